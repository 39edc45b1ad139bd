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
    """The engine's environment as far as the installer of packages sees it."""
    return {
        name: value
        for name, value in environment.items()
        if name in PASSED or name.startswith(PASSED_PREFIXES + INSTALLER_PREFIXES) or name == "XDG_CACHE_HOME"
    }


def needs_fresh_interpreter(env: Mapping[str, str]) -> bool:
    """Whether a component's own variables would come too late for an interpreter that already runs."""
    return any(name.startswith(_READ_AT_START) for name in env)
