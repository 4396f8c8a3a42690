"""Kernel settings are put back as they were, by the last engine that goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.machine.airgap import sysctls


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of a machine that is made of files."""
    root = tmp_path / "sys"
    for name in sysctls.NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("128\n" if "inotify" in name else "1\n")
    monkeypatch.setattr(sysctls, "SETTINGS", root)
    monkeypatch.setattr(sysctls, "FOLDER", tmp_path / "notes")
    return root


def test_the_first_notes_and_the_last_puts_back(kernel: Path, tmp_path: Path) -> None:
    before = sysctls.read()
    sysctls.hold("one")
    assert (kernel / "fs/inotify/max_user_instances").read_text() == "1024"
    (kernel / "kernel/panic").write_text("10\n")  # as a kubelet does it
    sysctls.hold("two")
    sysctls.release("one")
    assert sysctls.read()["kernel/panic"] == "10"
    sysctls.release("two")
    assert sysctls.read() == before
    assert not (tmp_path / "notes").exists()


def test_an_engine_that_was_never_noted_puts_nothing_back(kernel: Path) -> None:
    sysctls.hold("one")
    sysctls.release("another")
    assert sysctls.read()["fs/inotify/max_user_instances"] == "1024"
    sysctls.release("one")
    sysctls.release("one")


def test_a_machine_that_lacks_a_setting(kernel: Path) -> None:
    (kernel / "fs/protected_fifos").unlink()
    sysctls.hold("one")
    sysctls.release("one")
    assert not (kernel / "fs/protected_fifos").exists()


def test_what_is_enough_is_left_alone(kernel: Path) -> None:
    (kernel / "fs/inotify/max_user_instances").write_text("4096\n")
    sysctls.hold("one")
    assert (kernel / "fs/inotify/max_user_instances").read_text() == "4096\n"
    sysctls.release("one")
