"""A server that notes what it is asked, over HTTP or TLS, and a proxy that does: kitlib and kubectl are compared by it.

It answers everything with the same small object: it is told apart from an API server by what it notes alone.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VERSION = {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}


@dataclass
class Asked:
    """One request: what of it tells who asks whom."""

    method: str
    path: str
    headers: dict[str, list[str]] = field(repr=False)
    name: str = ""
    """The name of a server that the client asked for as it opened the connection (SNI)."""
    client: str = ""
    """The common name of the client's certificate."""

    def get(self, name: str) -> str:
        return ", ".join(self.headers.get(name.lower(), []))

    def who(self) -> tuple[object, ...]:
        """Return what is compared: path, names, and the headers that say as whom it is asked."""
        told = {
            key: sorted(values)
            for key, values in self.headers.items()
            if key in ("authorization", "proxy-authorization") or key.startswith("impersonate-")
        }
        return self.path, self.name, self.client, tuple(sorted((key, tuple(values)) for key, values in told.items()))


class Server:
    """Listens on loopback, and notes.

    Parameters
    ----------
    tls : Path, optional
        A folder of `certificates`; plain HTTP without.
    answer : callable, optional
        Answers instead, and returns whether it did.
    """

    def __init__(self, tls: Path | None = None, answer: Callable[[Any], bool] | None = None) -> None:
        self.asked: list[Asked] = []
        noted = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    pass

            def any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length) if length else b""
                headers: dict[str, list[str]] = {}
                for key, value in self.headers.items():
                    headers.setdefault(key.lower(), []).append(value)
                peer = getattr(self.connection, "getpeercert", lambda: None)() or {}
                subject = {key: value for part in peer.get("subject", ()) for key, value in part}
                name = getattr(self.connection, "asked_for", None) or ""
                noted.append(Asked(self.command, self.path, headers, name, subject.get("commonName", "")))
                if answer is None or not answer(self):
                    self.json(VERSION)

            def json(self, what: object, code: int = 200, **headers: str) -> None:
                self.send(json.dumps(what).encode(), code, "application/json", **headers)

            def send(self, body: bytes, code: int = 200, kind: str = "text/plain", **headers: str) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for key, value in headers.items():
                    self.send_header(key.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                headers = {key.lower(): [value] for key, value in self.headers.items()}
                noted.append(Asked("CONNECT", self.path, headers))
                self.send_error(502)
                self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any

        class Listening(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # a client that doesn't trust it hangs up
                pass

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.tls = tls
        if tls is not None:
            self.url = f"https://127.0.0.1:{self.port}"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.crt", tls / "server.key")
            context.load_verify_locations(tls / "ca.crt")
            context.verify_mode = ssl.CERT_OPTIONAL

            def note(connection: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
                connection.asked_for = name  # type: ignore[attr-defined]

            context.sni_callback = note  # type: ignore[assignment]
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def cluster(self, **more: object) -> dict[str, object]:
        """Return a cluster's entry that points here."""
        trust = {"certificate-authority-data": data(self.tls / "ca.crt")} if self.tls else {}
        return {"server": self.url, **trust, **more}


def config(
    cluster: object, user: object = None, context: dict[str, object] | None = None, **more: object
) -> dict[str, object]:
    """Return a kubeconfig with the context "x"."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        "current-context": "x",
        **more,
    }


def data(path: Path) -> str:
    """Return a file's bytes as an entry of a kubeconfig holds them."""
    return base64.b64encode(path.read_bytes()).decode()


def certificates(folder: Path, lax: bool = False) -> Path:
    """Make an authority, a certificate for the server and one for the client "ada"; other.crt is another authority.

    lax: an authority as some make them by hand, without key usage and key identifiers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    usage = "" if lax else "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
    (folder / "cnf").write_text(
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=authority\n"
        f"[ca]\nbasicConstraints={'' if lax else 'critical,'}CA:TRUE\n{usage}"
        "[server]\nsubjectAltName=IP:127.0.0.1,DNS:localhost,DNS:api.example.org\n"
        "[client]\nextendedKeyUsage=clientAuth\n"
    )

    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "cnf"]
    for name in ("ca", "other"):
        run(
            *("req", "-x509", *new, "-extensions", "ca", "-days", "30"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
    for name, subject in (("server", "server"), ("client", "ada")):
        run("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "30", "-extfile", "cnf", "-extensions", name, "-out", f"{name}.crt"),
        )
    return folder


@contextmanager
def socks() -> Iterator[tuple[str, list[str]]]:
    """Give a SOCKS proxy's address, and where it was asked to connect to; it never does."""
    noted: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                try:
                    client.recv(2 + client.recv(2)[1])
                    client.sendall(b"\x05\x00")
                    head = client.recv(4)
                    host = client.recv(client.recv(1)[0]).decode() if head[3] == 3 else socket.inet_ntoa(client.recv(4))
                    noted.append(f"{host}:{int.from_bytes(client.recv(2), 'big')}")
                    client.sendall(b"\x05\x04\x00\x01\0\0\0\0\0\0")
                except (OSError, IndexError):
                    pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"socks5://127.0.0.1:{listening.getsockname()[1]}", noted
    finally:
        listening.close()
