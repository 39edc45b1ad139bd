"""The programs of the executor contract, as behaviours for the executor that runs none."""

from pathlib import Path
from threading import Barrier
from typing import Final

from postlude.executors.fake import Behaviour, Fail, Hold, Script, Succeed
from postlude.ports.executor import Attempt

READY: Final = (("stdout", "ready"),)


def acted(attempt: Attempt) -> Behaviour:
    """What the program of an attempt of the contract's tests would do: known by a word that only it has."""
    program = attempt.argv[-1]
    return next(script for word, script in _PROGRAMS if word in program)(attempt)


def _does(behaviour: Behaviour) -> Script:
    return lambda _: behaviour


_MET: Final = Barrier(2)


def _meets_another(_attempt: Attempt) -> Behaviour:
    _MET.wait(10)
    return Succeed()


def _leaves_a_mark(attempt: Attempt) -> Behaviour:
    Path(attempt.argv[-1].partition("> ")[2]).touch()
    return Succeed()


_PROGRAMS: Final = (
    ("echo last", _does(Fail(exit_code=3, message="exit code 3: last"))),
    ("exit 3", _does(Fail(exit_code=3))),
    ("printf end", _does(Succeed(says=(("stdout", "out"), ("stderr", "err"), ("stdout", "end"))))),
    ("echo bye", _does(Hold(says=READY, last_words=(("stdout", "bye"),)))),
    ('trap ""', _does(Hold(says=READY, ignores_sigterm=True))),
    ("sleep 100", _does(Hold(says=READY))),
    ("100", _does(Hold())),
    ("exit 0", _does(Succeed())),
    ("> ", _leaves_a_mark),
    ("touch", _meets_another),
    ("true", _does(Succeed())),
)
