"""Reads the arguments of `pip install`."""

import msgspec

from postlude.executors.process.plain_requirement import plain_name


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """What a component wants installed.

    Attributes:
        packages: Requirements besides the SDK, as written.
        kfp: The SDK's requirement, None where there is none.
        kfp_alone: Whether the SDK is wanted without its dependencies.
        index_urls: Package indexes, the main one first.
        trusted_hosts: Hosts whose certificate is not checked.
        find_links: Further places with packages.
        prereleases: Whether pre-releases count.
    """

    packages: tuple[str, ...] = ()
    kfp: str | None = None
    kfp_alone: bool = False
    index_urls: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    prereleases: bool = False

    def joined(self, other: "Install") -> "Install":
        """Both, what they share once."""
        if NOTHING_TO_INSTALL in (self, other):
            return self if other == NOTHING_TO_INSTALL else other
        return Install(
            packages=_union(self.packages, other.packages),
            kfp=self.kfp or other.kfp,
            kfp_alone=self.kfp_alone or other.kfp_alone,
            index_urls=_union(self.index_urls, other.index_urls),
            trusted_hosts=_union(self.trusted_hosts, other.trusted_hosts),
            find_links=_union(self.find_links, other.find_links),
            prereleases=self.prereleases or other.prereleases,
        )


NOTHING_TO_INSTALL = Install()

_SILENT = frozenset({
    "--quiet", "-q", "-qq", "-qqq", "--no-warn-script-location", "--user", "--disable-pip-version-check",
    "--no-cache-dir", "--upgrade", "-U", "--no-input", "--root-user-action=ignore", "--prefer-binary",
})  # fmt: skip
"""Options that change nothing about what a new environment will hold."""

_VALUED = {
    "--index-url": "index", "-i": "index", "--extra-index-url": "extra", "--trusted-host": "host",
    "--find-links": "links", "-f": "links",
}  # fmt: skip
_FLAGS = {"--no-deps": "alone", "--pre": "pre"}


def read_install(arguments: list[str]) -> Install | None:
    """What `pip install` with these arguments wants, None where an argument is not understood."""
    options: dict[str, list[str]] = {}
    requirements: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not argument.startswith("-"):
            requirements.append(argument)
        elif argument in _FLAGS:
            options[_FLAGS[argument]] = []
        elif name in _VALUED:
            options.setdefault(_VALUED[name], []).append(value if equals else next(rest, ""))
        elif argument not in _SILENT:
            return None
    return _install(options, requirements)


def _install(options: dict[str, list[str]], requirements: list[str]) -> Install | None:
    values = [value for group in options.values() for value in group]
    if any("$" in value or "`" in value or not value for value in values):
        return None  # only a shell knows what that becomes
    alone = "alone" in options
    kfp = next((text for text in requirements if _is_kfp(text) or (alone and not _is_requirement(text))), None)
    if alone and kfp is None:
        return None
    # Beside an SDK without dependencies stands only what the SDK itself needs on Pythons older than ours.
    packages = () if alone else tuple(text for text in requirements if text != kfp)
    return Install(
        packages=packages,
        kfp=kfp,
        kfp_alone=alone,
        index_urls=_union(tuple(options.get("index", ())), tuple(options.get("extra", ()))),
        trusted_hosts=tuple(options.get("host", ())),
        find_links=tuple(options.get("links", ())),
        prereleases="pre" in options,
    )


def _is_requirement(text: str) -> bool:
    """Whether the text names a package. A path or a URL that is installed alone is an SDK's: `kfp_package_path`."""
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms that few runs need

    try:
        return bool(Requirement(text))
    except InvalidRequirement:
        return False


def _is_kfp(text: str) -> bool:
    name = plain_name(text)
    return name == "kfp" if name is not None else _names_kfp(text)


def _names_kfp(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - 20 ms that few runs need
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - as above

    try:
        return canonicalize_name(Requirement(text).name) == "kfp"
    except InvalidRequirement:
        return False


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
