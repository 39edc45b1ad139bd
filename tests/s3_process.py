"""A server that speaks S3, in a process of its own: moto's, with a log of requests and faults to order.

Its directory holds `requests` (a line for each), and, where a test put them there: `fault`, a regular expression of
requests and how many of them are answered with 503; `hold`, one of a request that waits, which is said through the pipe
`held` and ends through the pipe `go`.
"""

import re
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LOCK = threading.Lock()


class Quiet(WSGIRequestHandler):
    """Prints nothing: the requests are in a file."""

    def log(self, type: str, message: str, *args: Any) -> None: ...  # noqa: A002 - werkzeug's name for it


class Troubled:
    """The server, with its faults before it."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._app = directory, DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{query}"
        with LOCK, (self._directory / "requests").open("a") as log:
            log.write(f"{request}\n")
        if self._is_faulty(request):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("503 Slow Down", [("Content-Length", "0")])
            return [b""]
        self._hold(request)
        return self._app(environ, start)

    def _is_faulty(self, request: str) -> bool:
        order = self._directory / "fault"
        with LOCK:
            if not order.exists():
                return False
            pattern, count = order.read_text().rsplit(" ", 1)
            if int(count) == 0 or not re.search(pattern, request):
                return False
            order.write_text(f"{pattern} {int(count) - 1}")
            return True

    def _hold(self, request: str) -> None:
        order = self._directory / "hold"
        with LOCK:
            if not order.exists() or not re.search(order.read_text(), request):
                return
            order.unlink()
        (self._directory / "held").write_text(request)
        (self._directory / "go").read_text()


def main() -> None:
    server = make_server("127.0.0.1", 0, Troubled(Path(sys.argv[1])), threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
