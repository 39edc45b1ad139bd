"""Whether an interpreter already has what a component asks for."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from postlude.executors.process.plain_requirement import plain_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

Found = Mapping[str, tuple[str, Sequence[str]]]
"""Installed distributions: version and own requirements by name."""


def kfp_serves(found: Found) -> bool:
    """Whether an SDK 2 is installed: any of them runs the components of all of them."""
    return "kfp" in found and re.match(r"2(?![\d!])", found["kfp"][0]) is not None


def is_named(requirement: str | None) -> bool:
    """Whether a requirement names a release, or none is given; a URL or a path may hold anything."""
    if requirement is None or plain_name(requirement) is not None:
        return True
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms that few runs need

    try:
        return Requirement(requirement).url is None
    except InvalidRequirement:
        return False


def satisfied(packages: Sequence[str], look_up: Callable[[Sequence[str]], Found], python: str) -> bool:
    """Whether every requirement is met, those of the extras it names included.

    Args:
        packages: Requirements as `pip install` takes them.
        look_up: Which of the named distributions are installed.
        python: The interpreter's full version, for markers.
    """
    if not packages:
        return True
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms that few runs need

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


def _met(requirement: "Requirement", found: Found) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - as above

    if requirement.url is not None or requirement.name not in found:
        return False
    try:
        return requirement.specifier.contains(Version(found[requirement.name][0]), prereleases=True)
    except InvalidVersion:
        return False


def _of_extras(requirement: "Requirement", found: Found, markers: Mapping[str, str]) -> list[str]:
    """What the requirement's extras ask for on top of the distribution itself."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - as above

    parts = [Requirement(text) for text in found[requirement.name][1]]
    chosen = []
    for part in parts:
        marker, part.marker = part.marker, None
        if marker is not None and any(marker.evaluate({**markers, "extra": extra}) for extra in requirement.extras):
            chosen.append(str(part))
    return chosen
