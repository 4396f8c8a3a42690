"""Folders: what they take, and that nothing mounted is removed with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine import folders


def test_the_size_of_a_folder_counts_a_file_with_two_names_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    once = folders.size(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert folders.size(tmp_path) == once >= 100_000


def test_what_is_removed_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x" * 100_000)
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert folders.remove(tmp_path / "a") >= 100_000 <= folders.remove(tmp_path / "file")
    assert folders.remove(tmp_path / "a") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_mount_below_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "inner").mkdir(parents=True)
    (tmp_path / "mounts").write_text(f"36 35 98:0 / {tmp_path}/a/inner rw - tmpfs tmpfs rw\n")
    monkeypatch.setattr(folders, "MOUNTS", tmp_path / "mounts")
    with pytest.raises(BuildError, match=r"is mounted.*\n.*umount"):
        folders.remove(tmp_path / "a")
    assert (tmp_path / "a" / "inner").is_dir()
