"""Which environment variables a program sees.

A program gets its component's own variables and, of the engine's environment, only what these tables name: where
programs are, which language and time zone to speak, how to reach the network, and where accelerators are. Credentials
(`AWS_*`, `*_TOKEN`, ...) are not among them; the executor's `passed_env` adds names.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

PASSED = frozenset({
    "HOME", "USER", "LOGNAME", "PATH", "LANG", "LANGUAGE", "TZ",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
    "LD_LIBRARY_PATH", "OMP_NUM_THREADS",
})  # fmt: skip
PASSED_PREFIXES = ("LC_", "CUDA", "NVIDIA_")
INSTALLER_PREFIXES = ("UV_", "PIP_")
"""What the installer of packages gets on top: where to look for packages, and how."""

_UV_SAYS_WHERE = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
_CHOOSE = (
    *_UV_SAYS_WHERE, "UV_INDEX_STRATEGY", "UV_PRERELEASE", "UV_RESOLUTION", "UV_EXCLUDE_NEWER", "UV_CONSTRAINT",
    "UV_OVERRIDE",
)  # fmt: skip
_OF_PIP = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", " "),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", " "),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS", ","),
    "PIP_TRUSTED_HOST": ("UV_INSECURE_HOST", " "),
    "PIP_NO_INDEX": ("UV_NO_INDEX", " "),
}
"""Variables of pip that uv does not read: its own name for each, and what separates values there."""

_READ_AT_START = ("PYTHON", "LD_", "MALLOC_", "GLIBC_")
"""Variables an interpreter, its loader or its C library read once, when they start."""


def inherited(environment: Mapping[str, str], python: Path, passed: Collection[str] = ()) -> dict[str, str]:
    """The engine's environment as far as programs see it, with `python3` and `pip` being those of `python`."""
    env = {
        name: value
        for name, value in environment.items()
        if name in PASSED or name in passed or name.startswith(PASSED_PREFIXES)
    }
    env["PATH"] = os.pathsep.join([str(python.parent), env.get("PATH") or os.defpath])
    if (python.parent.parent / "pyvenv.cfg").exists():
        env["VIRTUAL_ENV"] = str(python.parent.parent)
    return env


def for_installer(environment: Mapping[str, str]) -> dict[str, str]:
    """The engine's environment as far as uv sees it; what it says to pip about indexes, it says to uv."""
    env = {
        name: value
        for name, value in environment.items()
        if name in PASSED or name.startswith(PASSED_PREFIXES + INSTALLER_PREFIXES) or name == "XDG_CACHE_HOME"
    }
    if not any(name in env for name in _UV_SAYS_WHERE):
        env |= {
            theirs: separator.join(env[name].split()) for name, (theirs, separator) in _OF_PIP.items() if name in env
        }
    if env.get("UV_INDEX"):
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip chooses among indexes
    return env


def that_choose_packages(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of the installer on which it depends what it installs."""
    return {name: env[name] for name in _CHOOSE if name in env}


def needs_fresh_interpreter(env: Mapping[str, str]) -> bool:
    """Whether a component's own variables would come too late for an interpreter that already runs."""
    return any(name.startswith(_READ_AT_START) for name in env)
