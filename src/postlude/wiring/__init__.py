"""Puts the parts together: the only place that names concrete classes.

What a run needs first is imported with this package: little more than the executor, which from then on loads the SDK in
a process of its own. The engine and the stores are imported meanwhile.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from postlude.ports.progress import Progress, unheard
from postlude.stores.home import open_home
from postlude.wiring.executors import make_executor
from postlude.wiring.options import Containers, RunOptions

if TYPE_CHECKING:
    from postlude.engines.local.engine import LocalEngine

__all__ = ["Containers", "RunOptions", "open_engine"]

_DEFAULTS: Final = RunOptions()


@contextmanager
def open_engine(options: RunOptions = _DEFAULTS, *, progress: Progress = unheard) -> Iterator["LocalEngine"]:
    """The embedded engine over the home's database and files; leaving it kills what still runs.

    Args:
        options: How it runs pipelines.
        progress: Hears what attempts wait for before their program starts.

    Raises:
        ConfigError: The home or the database cannot be used, or the container engine asked for does not answer.
    """
    home = open_home(options.home)
    with ExitStack() as stack:
        executor = make_executor(home, options, progress)
        stack.callback(executor.close)  # The engine closes it too, unless there comes to be none.
        from postlude.stores.artifacts.anywhere import open_artifacts  # noqa: PLC0415 - the SDK is loaded meanwhile
        from postlude.wiring.engine import make_engine  # noqa: PLC0415 - as above
        from postlude.wiring.stores import open_store_of  # noqa: PLC0415 - as above

        store = open_store_of(home)
        stack.callback(store.close)
        artifacts = open_artifacts(home.cache)
        stack.callback(artifacts.close)
        yield stack.enter_context(make_engine(home, store, executor, artifacts, options))
