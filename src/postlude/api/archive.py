"""Reads the one pipeline out of a package: a .zip or .tar.gz that holds compiled IR.

Nothing is unpacked to disk, and what is unpacked to memory is bounded, whatever the package says of itself.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from postlude.api.source import IR_SUFFIXES
from postlude.spec.problem import ConfigError

SIZE_MAX_BYTES: Final = 64 * 1024 * 1024
_ARCHIVE_MAX_BYTES: Final = 2 * SIZE_MAX_BYTES
_ZIPPED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The methods that can be unpacked piece by piece."""
_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


def read_package(package: bytes, *, name: str) -> tuple[bytes, str]:
    """The pipeline inside a package, and the name of the file that holds it.

    Args:
        package: The bytes of a zip or a (compressed) tar.
        name: What errors call the package.

    Raises:
        ConfigError: It is broken, too large, or does not hold exactly one YAML or JSON file.
    """
    read = _read_zip if package.startswith(b"PK") else _read_tar
    try:
        return read(package, name)
    except _BROKEN as error:
        raise ConfigError(f"{name}: the package cannot be read ({error}). Compile the pipeline again.") from error


def _read_zip(package: bytes, name: str) -> tuple[bytes, str]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}

        def read(member: str) -> bytes:
            info = archive.getinfo(member)
            if info.compress_type not in _ZIPPED:
                raise zipfile.BadZipFile(f"{member} is compressed by a method other than deflate")
            with archive.open(info) as file:
                return file.read(SIZE_MAX_BYTES)

        return _read_one(sizes, read, name)


def _read_tar(package: bytes, name: str) -> tuple[bytes, str]:
    with tarfile.open(fileobj=io.BytesIO(_unpacked(package, name)), mode="r:") as archive:
        sizes = {member.name: member.size for member in archive if member.isfile()}

        def read(member: str) -> bytes:
            file = archive.extractfile(member)
            return file.read() if file is not None else b""

        return _read_one(sizes, read, name)


_COMPRESSIONS: Final[Mapping[bytes, Callable[[io.BytesIO], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


def _unpacked(package: bytes, name: str) -> bytes:
    """The tar itself. Its headers may be as large as they claim, so it is bounded before they are read."""
    opened = next((each for magic, each in _COMPRESSIONS.items() if package.startswith(magic)), None)
    if opened is None:
        return package
    with opened(io.BytesIO(package)) as file:
        unpacked: bytes = file.read(_ARCHIVE_MAX_BYTES + 1)
    if len(unpacked) > _ARCHIVE_MAX_BYTES:
        found = f"unpacks to more than {_ARCHIVE_MAX_BYTES} bytes"
        raise ConfigError(f"{name}: the package {found}. Make a package of the one compiled pipeline.")
    return unpacked


def _read_one(sizes: Mapping[str, int], read: Callable[[str], bytes], name: str) -> tuple[bytes, str]:
    member = _only([each for each in sizes if _is_ir(each)], list(sizes), name)
    if sizes[member] > SIZE_MAX_BYTES:
        found = f"{member} unpacks to {sizes[member]} bytes"
        raise ConfigError(f"{name}: {found}, more than the {SIZE_MAX_BYTES} that a pipeline may have.")
    return read(member), member


def _is_ir(member: str) -> bool:
    path = PurePosixPath(member)
    # Archivers on macOS add "._pipeline.yaml" beside "pipeline.yaml".
    return path.suffix.lower() in IR_SUFFIXES and not path.name.startswith("._")


def _only(candidates: Sequence[str], members: Sequence[str], name: str) -> str:
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        found = f"holds {len(candidates)} YAML or JSON files: {', '.join(candidates[:10])}"
    else:
        found = f"holds no YAML or JSON file; there are: {', '.join(members[:10]) or 'no files'}"
    raise ConfigError(f"{name}: the package {found}. Make a package of the one compiled pipeline.")
