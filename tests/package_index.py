"""A package index of the test's own: wheels in a directory, served over loopback."""

import base64
import ssl
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SELF_SIGNED = Path(__file__).parent / "data" / "self_signed.pem"
"""A key and a certificate for 127.0.0.1 that nobody vouches for."""


def add_wheel(
    index: Path, name: str, version: str, *, code: str = "", requires: Sequence[str] = (), module: str = ""
) -> Path:
    """Put a version of a package into an index; its module says `VERSION` unless `code` is given."""
    folder = index / name
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        *(f"Requires-Dist: {one}\n" for one in requires),
    ]
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module or name}.py", code or f"VERSION = {version!r}\n")
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "".join(metadata))
        archive.writestr(
            f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "")
    links = "".join(
        f'<a href="{path.name}">{path.name}</a>' for path in sorted(folder.iterdir()) if path.suffix != ".html"
    )
    (folder / "index.html").write_text(links)
    return wheel


@dataclass(kw_only=True)
class PackageIndex:
    """An index that is served.

    Attributes:
        url: Where, without credentials.
        asked: Set once somebody asks for something.
        open: While it is not set, nobody gets an answer.
        requests: The paths that were answered.
    """

    folder: Path
    credentials: str = ""
    asked: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    def with_credentials(self, credentials: str) -> str:
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{credentials}@{rest}"


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, index: PackageIndex, *given: Any) -> None:
        self._index = index
        super().__init__(*given, directory=str(index.folder))

    def do_GET(self) -> None:
        self._index.asked.set()
        self._index.open.wait()
        if not self._is_allowed():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._index.requests.append(self.path)
        super().do_GET()

    def _is_allowed(self) -> bool:
        wanted = base64.b64encode(self._index.credentials.encode()).decode()
        return not self._index.credentials or self.headers.get("Authorization") == f"Basic {wanted}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's signature
        """Stay silent."""


@contextmanager
def served(
    folder: Path, *, credentials: str = "", shut: bool = False, certificate: Path | None = None
) -> Iterator[PackageIndex]:
    """Serve an index.

    Args:
        folder: Its packages.
        credentials: "user:password" that it asks for.
        shut: Whether nobody gets an answer before `PackageIndex.open` is set.
        certificate: A PEM file with a key and a certificate, for HTTPS.
    """
    index = PackageIndex(folder=folder, credentials=credentials)
    if not shut:
        index.open.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, index))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    index.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield index
    finally:
        index.open.set()
        server.shutdown()
        server.server_close()
