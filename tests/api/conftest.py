"""What tests beside kubectl need: a kubectl, certificates, and a server that notes who asks it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib.machine import versions
from kitlib.machine.programs import find
from tests.api.beside_kubectl import World
from tests.api.noting import Server, certificates


@pytest.fixture(scope="session")
def kubectl() -> str:
    """A kubectl itself: Google's, on PATH, is a program that chooses one of those beside it.

    `KITLIB_TEST_KUBECTL` names another one, of another version.
    """
    if named := os.environ.get("KITLIB_TEST_KUBECTL"):
        return named
    found = find.ready(versions.release()).paths.get("kubectl") or shutil.which("kubectl")
    if not found:
        pytest.skip("no kubectl: `kitlib up --provider embedded` gets one, or install it")
    beside = sorted(Path(found).resolve().parent.glob("kubectl.1.*"))
    return str(beside[-1] if beside else found)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def world(tmp_path: Path, keys: Path, kubectl: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Server(keys) as server:
        yield World(tmp_path, keys, server, kubectl, monkeypatch)


@pytest.fixture
def plain(tmp_path: Path, keys: Path, kubectl: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose server speaks plain HTTP, and may be a proxy."""
    with Server() as server:
        yield World(tmp_path, keys, server, kubectl, monkeypatch)
