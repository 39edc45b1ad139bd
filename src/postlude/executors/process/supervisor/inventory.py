"""What an interpreter has installed."""

import importlib.metadata
import site
import sys
from collections.abc import Iterable


def installed(names: Iterable[str]) -> dict[str, tuple[str, list[str]]]:
    """For each named distribution that is installed: its version and its own requirements."""
    found = {}
    for name in names:
        try:
            distribution = importlib.metadata.distribution(name)
        except (importlib.metadata.PackageNotFoundError, ValueError):
            continue
        found[name] = (distribution.version, distribution.requires or [])
    return found


def site_directories() -> list[str]:
    """The interpreter's site directories, the user's included where it is searched."""
    directories = site.getsitepackages()
    user = site.getusersitepackages() if site.ENABLE_USER_SITE else None
    return [directory for directory in (*directories, user) if directory in sys.path and directory is not None]
