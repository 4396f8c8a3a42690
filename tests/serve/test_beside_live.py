"""The comparison with a live cluster itself: it sees what differs, and no ages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serve.beside_live import asker, differing, plain, see
from tests.serve.conftest import Asked
from tests.serve.made import Made


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("web-1   1/1   Running   0    5s", "web-1   1/1   Running   0    2m15s", True),
        ("web-1   1/1   Running   2 (5s ago)   3h", "web-1   1/1   Running   2 (7m ago)   4d2h", True),
        ("web-1   1/1   Running   0    5s", "web-1   1/1   Running   1    5s", False),
        ("web-1   1/1   Running   0    5s", "web-2   1/1   Running   0    5s", False),
        ("Start Time:  Sun, 29 Nov 2026", "Start Time:  Sat, 28 Nov 2026", False),
        ("Image: web:1.0", "Image: web:2.0", False),
    ],
)
def test_only_ages_and_spaces_are_left_out(one: str, other: str, same: bool) -> None:
    assert (plain(one) == plain(other)) is same


def test_it_sees_what_differs(serve: Callable[..., Asked], kubectl: str, tmp_path: Path) -> None:
    made = Made().begun()
    made.version(1, "a", status={"phase": "Pending"})
    made.version(5, "a", status={"phase": "Running"})
    asked = serve(made.ended(9), at=2)
    ask = asker(kubectl, tmp_path / "config", "shop", tmp_path)
    seen = see(ask, ["get pods", "get pods nope"])
    assert "Pending" in seen["get pods"][1].stdout and seen["get pods nope"][1].returncode == 1
    early, late = ({words: (at * 10**9, done) for words, (_, done) in seen.items()} for at in (3, 6))
    assert not differing(early, asked, ask)
    (wrong,) = differing(late, asked, ask)
    assert wrong.startswith("get pods\n") and "Pending" in wrong and "Running" in wrong
