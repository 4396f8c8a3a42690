"""Exec plugins of a kubeconfig: a program that makes a token or a certificate, run as client-go runs it.

A plugin may ask somebody where standard input is a terminal and its `interactiveMode` allows it; then it has the whole
terminal. Elsewhere its input is empty, and its words are kept: they are told if it fails, or if it takes longer than
a moment, because it may be telling somebody where to log in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kitlib.api import tls
from kitlib.errors import ClusterError

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
EXTENSION = f"{GROUP}/exec"
"""The cluster's extension that is handed to a plugin."""
MOMENT = 1.5
"""What a plugin says is shown after so many seconds, if it is still running."""
LONGEST = 300.0
"""A plugin is given up after so many seconds."""
_CLUSTER = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")

_known: dict[str, Plugin] = {}
_finding = threading.Lock()


def find(about: Mapping[str, Any], cluster: Mapping[str, Any]) -> Plugin:
    """Return the plugin for an entry `exec`; one that was asked before remembers what it said.

    Raises
    ------
    ClusterError
        If it is of a version that there is not.
    """
    key = json.dumps([about, cluster], sort_keys=True, default=str)
    with _finding:
        if key not in _known:
            _known[key] = Plugin(about, cluster)
        return _known[key]


class Plugin:
    """One exec plugin, and what it said last.

    Parameters
    ----------
    about : mapping
        The entry `exec` of a kubeconfig's user.
    cluster : mapping
        The cluster's entry.
    """

    def __init__(self, about: Mapping[str, Any], cluster: Mapping[str, Any]) -> None:
        self._about, self._cluster = about, cluster
        self._command = str(about.get("command"))
        self._version = str(about.get("apiVersion"))
        self._lock = threading.Lock()  # it may ask somebody: never two at once
        self._status: dict[str, Any] | None = None
        self._until: float | None = None
        if self._version not in VERSIONS:
            raise self._failed(f"its apiVersion {self._version!r} is none of {', '.join(VERSIONS)}")

    def token(self) -> str:
        """Return its token; empty if it gave a certificate only.

        Raises
        ------
        ClusterError
            If it can't be run, fails, or says what can't be used; with its own words.
        """
        return str(self._now().get("token") or "")

    def certificate(self) -> tuple[bytes, bytes] | None:
        """Return its certificate and key, if it gave any; raises as `token` does."""
        status = self._now()
        if not status.get("clientCertificateData"):
            return None
        return str(status["clientCertificateData"]).encode(), str(status["clientKeyData"]).encode()

    def refused(self) -> None:
        """Have it run again before the next request: a server did not take what it said."""
        with self._lock:
            self._status = None

    def _now(self) -> dict[str, Any]:
        with self._lock:
            if self._status is None or (self._until is not None and time.time() > self._until):
                self._status = None
                self._status, self._until = self._checked(self._run())
            return self._status

    def _interactive(self) -> bool:
        mode = self._about.get("interactiveMode") or "IfAvailable"
        terminal = sys.__stdin__ is not None and not sys.__stdin__.closed and sys.__stdin__.isatty()
        if mode == "Always" and not terminal:
            raise self._failed("it must ask somebody (interactiveMode: Always), and standard input is not a terminal")
        return mode != "Never" and terminal

    def _run(self) -> bytes:
        """Run it once; return what it wrote on standard output."""
        interactive = self._interactive()
        spec: dict[str, Any] = {"interactive": interactive}
        if self._about.get("provideClusterInfo"):
            spec["cluster"] = self._told_of_cluster()
        asked = {"kind": "ExecCredential", "apiVersion": self._version, "spec": spec}
        own = {str(each["name"]): str(each.get("value") or "") for each in self._about.get("env") or ()}
        environ = {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
        program = shutil.which(self._command)
        if program is None:
            hint = str(self._about.get("installHint") or "").strip()
            raise self._failed("there is no such program", hint or "install it, or check `command` in the kubeconfig")
        try:
            process = subprocess.Popen(
                [program, *map(str, self._about.get("args") or ())],
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if interactive else subprocess.PIPE,
                env=environ,
            )
        except OSError as error:
            raise self._failed(f"it can't be run: {error.strerror}") from error
        words = _Words(process)
        try:
            out, _ = _read(process, None if interactive else LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise self._failed(f"it did not end within {LONGEST:.0f} s{words.told()}") from None
        except BaseException:
            process.kill()
            process.wait()
            raise
        said = words.told()
        if process.returncode:
            how = f"exit code {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
            raise self._failed(f"it failed with {how}{said or '; its words stand above' * interactive}")
        return out

    def _told_of_cluster(self) -> dict[str, Any]:
        told = {"config": None, **{key: self._cluster[key] for key in _CLUSTER if self._cluster.get(key)}}
        if authority := tls.material(self._cluster, "certificate-authority"):
            import base64

            told["certificate-authority-data"] = base64.b64encode(authority).decode()
        for each in self._cluster.get("extensions") or ():
            if isinstance(each, dict) and each.get("name") == EXTENSION:
                told["config"] = each.get("extension")
        return told

    def _checked(self, out: bytes) -> tuple[dict[str, Any], float | None]:
        """Return the status of what it wrote, and until when it is good."""
        try:
            answer = json.loads(out)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
            raise self._failed("what it wrote on standard output is no ExecCredential in JSON")
        if answer.get("apiVersion") != self._version:
            raise self._failed(
                f"it answered with apiVersion {answer.get('apiVersion')!r}; the kubeconfig asks for {self._version!r}"
            )
        status = answer.get("status")
        if not isinstance(status, dict):
            raise self._failed("its answer has no status")
        certificate, key = bool(status.get("clientCertificateData")), bool(status.get("clientKeyData"))
        if certificate != key:
            raise self._failed("it gave only one of certificate and key")
        if not certificate and not status.get("token"):
            raise self._failed("it gave neither a token nor a certificate")
        return status, self._expiry(status.get("expirationTimestamp"))

    def _expiry(self, stamp: Any) -> float | None:
        if not stamp:
            return None
        try:
            moment = datetime.fromisoformat(str(stamp))
        except ValueError:
            raise self._failed(f"its expirationTimestamp {stamp!r} is no time") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def _failed(self, why: str, then: str | None = None) -> ClusterError:
        return ClusterError(
            f"the plugin that logs you in, {os.path.basename(self._command)!r}, gave no credentials: {why}",
            step="log in",
            object=self._command,
            next=then or "run it by hand to see what it wants; nothing was asked without credentials",
        )


def _read(process: subprocess.Popen[bytes], timeout: float | None) -> tuple[bytes, None]:
    """Return all of standard output; standard error is read by somebody else."""
    out: list[bytes] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: out.append(process.stdout.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    process.wait(timeout)
    reader.join(5)  # a child of its own may hold the pipe open
    return b"".join(out), None


class _Words:
    """What a plugin writes on standard error: kept, and shown as soon as it takes longer than a moment."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._file = process.stderr
        self._kept: list[bytes] = []
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._patient = threading.Timer(MOMENT, self._show)
        self._patient.daemon = True
        self._showing = False
        self._lock = threading.Lock()
        if self._file is not None:
            self._thread.start()
            self._patient.start()

    def _follow(self) -> None:
        while data := self._file.read1(4096):  # type: ignore[union-attr]
            with self._lock:
                self._kept.append(data)
                if self._showing:
                    self._write(data)

    def _show(self) -> None:
        with self._lock:
            self._showing = True
            self._write(b"".join(self._kept))

    @staticmethod
    def _write(data: bytes) -> None:
        sys.stderr.write(data.decode(errors="replace"))
        sys.stderr.flush()

    def told(self) -> str:
        """Return its last words, for the end of a sentence."""
        if self._file is None:
            return ""
        self._patient.cancel()
        self._thread.join(1)
        with self._lock:
            text = " ".join(b"".join(self._kept).decode(errors="replace").split())
        return f": {text[-500:]}" if text else ""
