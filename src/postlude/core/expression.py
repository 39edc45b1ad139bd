"""Loads the CEL library without the command line tool that its package imports along (0.3 s of prompt_toolkit)."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

Evaluate = Callable[[str, Mapping[str, Any]], Any]


@cache
def evaluator() -> Evaluate:
    """The library's `evaluate(expression, variables)`.

    Raises:
        ImportError: common-expression-language is not installed.
    """
    package = find_spec("cel")
    locations = None if package is None else package.submodule_search_locations
    extension = PathFinder.find_spec("cel.cel", None if locations is None else list(locations))
    if extension is None or extension.loader is None:
        raise ImportError("conditions need the package common-expression-language: pip install it")
    module = module_from_spec(extension)
    extension.loader.exec_module(module)
    evaluate: Evaluate = module.evaluate
    return evaluate
