import gzip
import io
import json
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from cli_ir import pipeline, task

from postlude.api.archive import SIZE_MAX_BYTES, read_package
from postlude.api.source import load_source
from postlude.spec.problem import ConfigError

DOCUMENT = pipeline({"a": task("comp-a")})
TEXT = json.dumps(DOCUMENT).encode()
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {"podMetadata": {}}}}}}}


def zipped(files: dict[str, bytes]) -> bytes:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return package.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return package.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.yaml", TEXT),
        ("p.YML", TEXT),
        ("p.json", TEXT),
        ("p.zip", zipped({"pipeline.yaml": TEXT, "README.md": b"x"})),
        ("p.tar.gz", tarred({"pipeline.yaml": TEXT})),
        ("p.tgz", tarred({"pipeline.json": TEXT})),
        ("mac.zip", zipped({"pipeline.yaml": TEXT, "__MACOSX/._pipeline.yaml": b"\0"})),
    ],
)
def test_a_file_is_loaded(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert load_source(tmp_path / name).name == "demo"


def test_standard_input_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(zipped({"p.yaml": TEXT}))))
    assert load_source("-").name == "demo"


@pytest.mark.parametrize("source", [DOCUMENT, (DOCUMENT, PLATFORM), (DOCUMENT, None), [DOCUMENT, PLATFORM]])
def test_values_are_loaded(source: object) -> None:
    assert load_source(source).name == "demo"


def test_the_platform_spec_of_a_pair_counts() -> None:
    assert load_source((DOCUMENT, PLATFORM)).source == (DOCUMENT, PLATFORM)


def plain_function() -> None: ...


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none.yaml", "none.yaml: there is no such file. Give the path of a pipeline's .py"),
        ("none.py", "none.py: there is no such file."),
        (
            plain_function,
            "the source is the plain function 'plain_function', not a pipeline. Give a function decorated",
        ),
        (3, "the source is of type 'int', not a pipeline."),
    ],
)
def test_what_is_no_source_is_refused(source: object, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_source(source)
    assert str(refused.value).startswith(said)


def test_a_directory_and_an_unknown_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").mkdir()
    (tmp_path / "p.txt").write_bytes(TEXT)
    with pytest.raises(ConfigError, match=r"d\.yaml: it is a directory\."):
        load_source(tmp_path / "d.yaml")
    with pytest.raises(
        ConfigError, match=r"p\.txt: not a kind of file that holds a pipeline\. Give one of \.py, \.yaml"
    ):
        load_source(tmp_path / "p.txt")


def test_a_choice_of_pipeline_needs_a_python_file(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(TEXT)
    with pytest.raises(ConfigError, match=r"--pipeline demo chooses from a \.py file, and .*p\.yaml is compiled"):
        load_source(tmp_path / "p.yaml", pipeline="demo")


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (
            zipped({"a.txt": b"x"}),
            "p: the package holds no YAML or JSON file; there are: a.txt. Make a package of the one",
        ),
        (zipped({}), "p: the package holds no YAML or JSON file; there are: no files."),
        (zipped({"a.yaml": b"", "b.json": b""}), "p: the package holds 2 YAML or JSON files: a.yaml, b.json."),
        (tarred({"a.yaml": b"", "b.json": b""}), "p: the package holds 2 YAML or JSON files: a.yaml, b.json."),
        (b"PK\x03\x04 broken", "p: the package cannot be read (File is not a zip file). Compile the pipeline again."),
        (b"\x1f\x8b broken", "p: the package cannot be read ("),
        (tarred({"a.yaml": TEXT})[:-30], "p: the package cannot be read ("),
        (
            zipped({"big.yaml": bytes(SIZE_MAX_BYTES + 1)}),
            f"p: big.yaml unpacks to {SIZE_MAX_BYTES + 1} bytes, more than",
        ),
    ],
)
def test_a_bad_package_is_refused(package: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_package(package, name="p")
    assert str(refused.value).startswith(said)


def test_a_link_in_a_package_is_not_followed() -> None:
    package = io.BytesIO()
    with tarfile.open(fileobj=package, mode="w:gz") as archive:
        link = tarfile.TarInfo("p.yaml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(ConfigError, match="holds no YAML or JSON file"):
        read_package(package.getvalue(), name="p")


def claiming(package: bytes, size: int) -> bytes:
    """A zip of one file, which says of it that it unpacks to `size` bytes."""
    told = bytearray(package)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = told.index(signature) + offset
        told[at : at + 4] = struct.pack("<I", size)
    return bytes(told)


def long_name(size: int) -> bytes:
    """A compressed tar whose one header claims a name of `size` bytes."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, size
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(size), 1)


@pytest.mark.parametrize(
    ("package", "said"),
    [
        pytest.param(
            claiming(zipped({"p.yaml": bytes(SIZE_MAX_BYTES)}), 100),
            "p: the package cannot be read (Bad CRC-32 for file 'p.yaml'). Compile the pipeline again.",
            id="a zip that lies about its size",
        ),
        pytest.param(
            long_name(3 * SIZE_MAX_BYTES),
            f"p: the package unpacks to more than {2 * SIZE_MAX_BYTES} bytes. "
            "Make a package of the one compiled pipeline.",
            id="a tar header of any size",
        ),
    ],
)
def test_a_bomb_is_refused_before_it_fills_the_memory(package: bytes, said: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError) as refused:
            read_package(package, name="p")
        assert tracemalloc.get_traced_memory()[1] < 5 * SIZE_MAX_BYTES
    finally:
        tracemalloc.stop()
    assert str(refused.value) == said


def test_a_zip_that_cannot_be_unpacked_piece_by_piece_is_refused() -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("p.yaml", TEXT)
    with pytest.raises(ConfigError, match=r"p\.yaml is compressed by a method other than deflate"):
        read_package(package.getvalue(), name="p")
