"""A kubeconfig, and the server that it points at, which notes what kubectl asks of it, and what kitlib asks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kitlib.api.answers import NEVER
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError
from tests.api.noting import Server, config

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
PLUGIN = "client.authentication.k8s.io/v1"
Make = Callable[["World"], Any]
HERE = "192.0.2.1"
"""An address that is nobody's (RFC 5737): who asks it needs the proxy."""


class World:
    """A folder with kubeconfig files, the server that they point at, and both programs."""

    def __init__(self, folder: Path, keys: Path, server: Server, kubectl: str, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.keys, self.server = folder, keys, server
        self._kubectl, self._patch = kubectl, patch
        self.environ: dict[str, str] = {}

    def write(self, name: str, what: object) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            path.write_text(what if isinstance(what, str) else json.dumps(what))
        return path

    def script(self, name: str, text: str) -> Path:
        path = self.write(name, f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def use(self, *files: Path) -> None:
        self.environ["KUBECONFIG"] = os.pathsep.join(map(str, files))

    def by_kubectl(self, *words: str) -> tuple[bool, list[tuple[object, ...]]]:
        """Return whether kubectl got an answer, and what the server was asked."""
        self.server.asked.clear()
        kept = {key: value for key, value in os.environ.items() if key.upper() not in (*PROXIES, "KUBECONFIG")}
        done = subprocess.run(
            [self._kubectl, *words, "get", "--raw", "/version"],
            env={**kept, "HOME": str(self.folder), **self.environ},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.told = done.stderr.decode(errors="replace")
        return done.returncode == 0, [each.who() for each in self.server.asked]

    def by_kitlib(self, context: str | None = None) -> tuple[bool, list[tuple[object, ...]]]:
        """Return the same of kitlib."""
        self.server.asked.clear()
        for name in (*PROXIES, *map(str.lower, PROXIES)):
            self._patch.delenv(name, raising=False)
        for name, value in {"HOME": str(self.folder), **self.environ}.items():
            self._patch.setenv(name, value)
        self._patch.chdir(self.folder)
        try:
            Connection(None, context).get("/version", retry=NEVER, timeout=10)
            self.error = ""
        except KitlibError as error:
            self.error = str(error)
        return not self.error, [each.who() for each in self.server.asked]


def one(user: Callable[[World], object] | object = None, cluster: dict[str, object] | None = None) -> Make:
    """Return what writes one kubeconfig with this user, and these fields of the cluster."""

    def make(world: World) -> None:
        about = user(world) if callable(user) else user
        world.use(world.write("config", config(world.server.cluster(**(cluster or {})), about)))

    return make


def plugin(status: dict[str, object], **about: object) -> Callable[[World], dict[str, object]]:
    def make(world: World) -> dict[str, object]:
        answer = {"apiVersion": PLUGIN, "kind": "ExecCredential", "status": status}
        world.write("answer.json", answer)
        world.script("login", f'cat "{world.folder}/answer.json"')
        return {"exec": {"apiVersion": PLUGIN, "command": "./login", "interactiveMode": "Never", **about}}

    return make


def variables(server: str, **environ: str) -> Make:
    """Return what writes a kubeconfig to a server somewhere, and sets variables; PROXY stands for the noting server."""

    def make(world: World) -> None:
        world.use(world.write("config", config({"server": server}, {"token": "t"})))
        for name, value in environ.items():
            address = world.server.url.partition("://")[2]
            world.environ[name] = value.replace("PROXY", address)

    return make


def without_user(asked: tuple[bool, list[tuple[Any, ...]]]) -> object:
    """Return what was asked but for the user's own token: kubectl sends none over plain HTTP."""
    return asked[0], [(*each[:3], tuple(pair for pair in each[3] if pair[0] != "authorization")) for each in asked[1]]
