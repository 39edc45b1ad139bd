"""Whether an interpreter already has what a component asks for."""

from collections.abc import Callable, Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

Found = Mapping[str, tuple[str, Sequence[str]]]
"""Installed distributions: version and own requirements by name."""


def kfp_serves(found: Found) -> bool:
    """Whether an SDK 2 is installed: any of them runs the components of all of them."""
    try:
        return "kfp" in found and Version(found["kfp"][0]).major == 2
    except InvalidVersion:
        return False


def is_named(requirement: str | None) -> bool:
    """Whether a requirement names a release, or none is given; a URL or a path may hold anything."""
    try:
        return requirement is None or Requirement(requirement).url is None
    except InvalidRequirement:
        return False


def satisfied(packages: Sequence[str], look_up: Callable[[Sequence[str]], Found], python: str) -> bool:
    """Whether every requirement is met, those of the extras it names included.

    Args:
        packages: Requirements as `pip install` takes them.
        look_up: Which of the named distributions are installed.
        python: The interpreter's full version, for markers.
    """
    try:
        wanted = [Requirement(text) for text in packages]
    except InvalidRequirement:
        return False  # a path, a URL, an option: only the installer can tell
    markers = {"python_version": ".".join(python.split(".")[:2]), "python_full_version": python}
    asked = [one for one in wanted if one.marker is None or one.marker.evaluate({**markers, "extra": ""})]
    if not asked:
        return True
    found = look_up(sorted({one.name for one in asked}))
    return all(_met(one, found) for one in asked) and all(
        satisfied(_of_extras(one, found, markers), look_up, python) for one in asked if one.extras
    )


def _met(requirement: Requirement, found: Found) -> bool:
    if requirement.url is not None or requirement.name not in found:
        return False
    try:
        return requirement.specifier.contains(Version(found[requirement.name][0]), prereleases=True)
    except InvalidVersion:
        return False


def _of_extras(requirement: Requirement, found: Found, markers: Mapping[str, str]) -> list[str]:
    """What the requirement's extras ask for on top of the distribution itself."""
    parts = [Requirement(text) for text in found[requirement.name][1]]
    chosen = []
    for part in parts:
        marker, part.marker = part.marker, None
        if marker is not None and any(marker.evaluate({**markers, "extra": extra}) for extra in requirement.extras):
            chosen.append(str(part))
    return chosen
