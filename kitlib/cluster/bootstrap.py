"""A few requests to a cluster that is coming up: the standard library only, so that `up` loses no time on imports."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kitlib.errors import ClusterError


class Wire:
    """One HTTPS connection with a client certificate; use it in a `with` statement.

    Parameters
    ----------
    server : str
        Such as https://127.0.0.1:6443.
    ca, certificate, key : Path
        PEM files.
    timeout : float
        Seconds that one request may take.
    """

    def __init__(self, server: str, ca: Path, certificate: Path, key: Path, timeout: float = 10.0) -> None:
        self.server = server
        self._host = server.split("://", 1)[1].rstrip("/")
        self._timeout = timeout
        self._tls = ssl.create_default_context(cafile=str(ca))
        self._tls.load_cert_chain(str(certificate), str(key))
        self._http: http.client.HTTPSConnection | None = None

    @classmethod
    @contextlib.contextmanager
    def from_kubeconfig(cls, kubeconfig: Path, context: str, timeout: float = 10.0) -> Iterator[Wire]:
        """Open a connection with what kitlib's own kubeconfig file holds."""
        entry = read_kubeconfig(kubeconfig, context)
        with tempfile.TemporaryDirectory(prefix="kitlib-") as folder:
            paths = []
            for name in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
                path = Path(folder, name)
                path.touch(mode=0o600)
                try:
                    path.write_bytes(base64.b64decode(entry[name]))
                except (KeyError, ValueError) as error:
                    raise ClusterError(
                        f"it lacks {name}: it is not as kitlib wrote it.",
                        step="read the kubeconfig file",
                        object=str(kubeconfig),
                        next=f"`kitlib down {context}`, then `kitlib up`",
                    ) from error
                paths.append(path)
            with cls(entry["server"], paths[0], paths[1], paths[2], timeout) as wire:
                yield wire

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send one request.

        Returns
        -------
        tuple of int and bytes
            The HTTP status and the body; OSError and http.client.HTTPException pass through.
        """
        if self._http is None:
            self._http = http.client.HTTPSConnection(self._host, context=self._tls, timeout=self._timeout)
        try:
            data = None if body is None else json.dumps(body)
            self._http.request(method, path, body=data, headers={"Content-Type": "application/json"})
            answer = self._http.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._http.close()
            self._http = None
            raise

    def get(self, path: str) -> dict[str, Any]:
        """Get one object, or raise ClusterError."""
        try:
            status, body = self.request("GET", path)
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(
                f"{self.server} does not answer: {error}", step="ask the cluster", object=path
            ) from error
        if status != 200:
            raise ClusterError(f"{self.server} answers {status}", step="ask the cluster", object=path)
        answer: dict[str, Any] = json.loads(body)
        return answer

    def watch(self, path: str, until: float) -> Iterator[dict[str, Any]]:
        """Yield the objects of a watch (as first listed, then as they change) until the deadline (monotonic)."""
        mark = "&" if "?" in path else "?"
        left = until - time.monotonic()
        if left <= 0:
            return
        http_ = http.client.HTTPSConnection(self._host, context=self._tls, timeout=left)
        try:
            http_.request("GET", f"{path}{mark}watch=1&timeoutSeconds={int(left) + 1}")
            answer = http_.getresponse()
            if answer.status != 200:
                return
            while line := answer.readline():
                yield json.loads(line)["object"]
                if time.monotonic() > until:
                    return
        except (TimeoutError, http.client.HTTPException):
            return
        finally:
            http_.close()


def read_kubeconfig(path: Path, context: str | None = None) -> dict[str, str]:
    """Return one context of a kubeconfig file: server, names, and the data of its cluster and user.

    Raises
    ------
    ClusterError
        The file can't be read, or lacks that context.
    """
    try:
        config = yaml.safe_load(path.read_text()) or {}
        name = context or config.get("current-context")
        entry = next(item["context"] for item in config.get("contexts") or [] if item["name"] == name)
        cluster = next(item["cluster"] for item in config["clusters"] if item["name"] == entry["cluster"])
        user: dict[str, str] = next(
            (item["user"] for item in config.get("users") or [] if item["name"] == entry.get("user")), {}
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, StopIteration) as error:
        wanted = f"context {context!r}" if context else "a current context"
        raise ClusterError(
            f"this kubeconfig file does not hold {wanted}.",
            step="read the kubeconfig file",
            object=str(path),
            next="look at `kubectl config get-contexts`",
        ) from error
    return {"context": str(name), **cluster, **user}
