"""The `@dsl.pipeline` decorator."""

import functools
from collections.abc import Callable
from typing import Any

from postlude.dsl import sdk
from postlude.dsl.seam import authored


@functools.wraps(sdk.dsl.pipeline)
def pipeline(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`kfp.dsl.pipeline`, with what the SDK's compiler gets wrong put right.

    What it makes is the SDK's own, to be compiled and run wherever the SDK's are.
    """
    if func is None:
        return functools.partial(pipeline, **options)
    with authored():
        return sdk.dsl.pipeline(func, **options)
