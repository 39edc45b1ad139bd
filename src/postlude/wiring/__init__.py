"""Puts the parts together: the only place that names concrete classes.

What a run needs first is imported with this package: little more than the executor, which from then on loads the SDK in
a process of its own. The engine and the stores are imported meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Final

from postlude.executors.process.executor import SUPERVISOR_LOG
from postlude.ports.executor import Executor
from postlude.ports.progress import Progress, unheard
from postlude.stores.home import Home, open_home
from postlude.stores.reservation import reserved_home
from postlude.wiring.executors import make_executor
from postlude.wiring.options import Containers, RunOptions

if TYPE_CHECKING:
    from postlude.engines.local.engine import LocalEngine
    from postlude.engines.local.layout import Layout

__all__ = ["Containers", "RunOptions", "open_engine", "starting_engine"]

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
    with starting_engine(options, progress=progress) as start:
        yield start()


@contextmanager
def starting_engine(
    options: RunOptions = _DEFAULTS, *, progress: Progress = unheard
) -> Iterator[Callable[[], "LocalEngine"]]:
    """The start of an engine: it loads the SDK already, and nothing of it stays in the home until it is asked for.

    Args:
        options: How it runs pipelines.
        progress: Hears what attempts wait for before their program starts.

    Yields:
        What opens the home and the database and gives the engine; to be called once.

    Raises:
        ConfigError: As for `open_engine`; the call raises it too.
    """
    with ExitStack() as stack:
        home = stack.enter_context(reserved_home(options.home, traces=[SUPERVISOR_LOG]))
        executor = make_executor(home, options, progress)
        stack.callback(executor.close)  # The engine closes it too, unless there comes to be none.
        from postlude.wiring.engine import make_layout  # noqa: PLC0415 - the SDK is loaded meanwhile

        layout = make_layout(home, options.pipeline_root)
        yield lambda: stack.enter_context(_opened(home, layout, executor, options))


@contextmanager
def _opened(home: Home, layout: "Layout", executor: Executor, options: RunOptions) -> Iterator["LocalEngine"]:
    from postlude.stores.artifacts.anywhere import open_artifacts  # noqa: PLC0415 - as above
    from postlude.wiring.engine import make_engine  # noqa: PLC0415 - as above
    from postlude.wiring.stores import open_store_of  # noqa: PLC0415 - as above

    open_home(home.root)
    with (
        closing(open_store_of(home)) as store,
        closing(open_artifacts(home.cache)) as artifacts,
        make_engine(home, layout, store, executor, artifacts, options) as engine,
    ):
        yield engine
