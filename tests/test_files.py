"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from kitlib import files


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    files.write_whole(path, "größer")
    assert path.read_bytes() == "größer".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_halfway_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(ValueError), files.whole(path) as draft:
        draft.write_text("ne")
        assert path.read_text() == "old"
        raise ValueError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_is_never_anybody_elses(tmp_path):
    path = tmp_path / "key"
    before = os.umask(0)
    try:
        with files.whole(path, private=True) as draft:
            assert draft.stat().st_mode & 0o777 == 0o600
        files.write_private(tmp_path / "other", b"secret")
        files.write_whole(tmp_path / "shared", "text")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == (tmp_path / "other").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o666


def test_threads_that_write_one_file_each_write_it_whole(tmp_path):
    path = tmp_path / "a"
    texts = {str(number) * 100_000 for number in range(8)}
    threads = [threading.Thread(target=files.write_whole, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_a_library_puts_in_place_itself_is_taken(tmp_path):
    path = tmp_path / "a"
    with files.whole(path, durable=True) as draft:
        (tmp_path / "b").write_text("new")
        (tmp_path / "b").replace(draft)
    assert path.read_text() == "new"


def test_a_folder_is_replaced_whole(tmp_path):
    folder = tmp_path / "above" / "a"
    for text in ("old", "new"):
        with files.whole_folder(folder) as draft:
            assert draft.stat().st_mode & 0o777 == 0o700 and not list(draft.iterdir())
            (draft / text).write_text(text)
            assert not (folder / text).exists()
        assert [path.name for path in folder.iterdir()] == [text]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_fails_halfway_leaves_the_old_one_and_nothing_else(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "old").touch()
    (tmp_path / ".part-a").mkdir()  # a killed process left it
    (tmp_path / ".part-a" / "half").touch()
    with pytest.raises(ValueError), files.whole_folder(folder) as draft:
        (draft / "new").touch()
        raise ValueError
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "old"]


def test_a_folder_on_another_disk_is_copied_beside_its_target_first(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "there" / "target"
    source.mkdir()
    (source / "file").write_text("text")
    (source / "link").symlink_to("file")
    target.mkdir(parents=True)
    (target / "old").touch()
    rename = Path.rename

    def other_disk(path, to):
        if path.parent != Path(to).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", other_disk)
    files.move_folder(source, target)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "link", "target", "there"]
    assert (target / "link").is_symlink()


def test_what_removes_a_folder_may_refuse(tmp_path):
    def refuse(path):
        if path.name == "a":
            raise PermissionError("something is mounted there")
        shutil.rmtree(path, ignore_errors=True)

    (tmp_path / "a").mkdir()
    with pytest.raises(PermissionError), files.whole_folder(tmp_path / "a", remove=refuse) as draft:
        (draft / "new").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]
