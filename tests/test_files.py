"""Files are written whole or not at all."""

from __future__ import annotations

import os
import threading

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
