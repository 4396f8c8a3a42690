"""Who was there at a moment, told from the numbers alone; held against a replay that goes row by row."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitlib.recording import Recording
from kitlib.serve.history import LOG, History
from tests.conftest import CHECKOUT
from tests.serve.made import Made

NOTEBOOKS = CHECKOUT / "recordings"
RECORDED = sorted(path.name for path in NOTEBOOKS.iterdir())


def replayed(recording: Recording, api_version: str, kind: str, moment_ns: int) -> dict[str, bytes]:
    """Return each object's newest version at a moment, by its namespace and name."""
    found: dict[str, bytes] = {}
    latest = 0
    for row in recording.rows.of(kind):
        latest = max(latest, row.monotonic_ns)
        if row.apiVersion != api_version or latest > moment_ns:
            continue
        found.pop(f"{row.namespace}/{row.name}", None)
        if row.type != "DELETED":
            found[f"{row.namespace}/{row.name}"] = row.object
    return found


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_there_is_what_a_replay_finds(name: str) -> None:
    recording = Recording.open(NOTEBOOKS / name)
    history = History(recording)
    for part in (0.0, 0.3, 0.7, 1.0):
        moment = history.begin_ns + int((history.end_ns - history.begin_ns) * part)
        for (version, kind), versions in history.kinds.items():
            if kind == LOG:
                continue
            numbers = versions.alive(versions.position(moment))
            there = {
                versions.keys[versions.key[number]]: raw
                for number, raw in zip(numbers, versions.bodies(numbers), strict=True)
            }
            assert there == replayed(recording, version, kind, moment)
            assert list(there) == sorted(there), "in the order of a server's list"


ACTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["shop", "shop-2", "sho"]),
        st.sampled_from(["ADDED", "MODIFIED", "DELETED"]),
    ),
    max_size=20,
)


@settings(deadline=None)
@given(ACTS)
def test_each_moment_of_any_history(acts: list[tuple[str, str, str]]) -> None:
    recording = Made()
    for at, (name, namespace, type) in enumerate(acts):
        recording.version(at, name, type, namespace=namespace)
    versions = History(recording).versions("v1", "Pod")
    for position in range(len(acts) + 1):
        wanted = replayed(recording, "v1", "Pod", (position - 1) * 10**9)
        for namespace in ("", "shop", "sho", "none"):
            mine = {key for key in wanted if not namespace or key.startswith(f"{namespace}/")}
            assert [versions.keys[versions.key[each]] for each in versions.alive(position, namespace)] == sorted(mine)
        for key in versions.keys:
            namespace, _, name = key.partition("/")
            number = versions.newest(position, namespace, name)
            assert (None if number is None else versions.body(number)) == wanted.get(key)


def test_what_is_held_of_the_objects_is_bounded(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "large", {"format": 3}, part_rows=200) as recording:
        for number in range(1000):
            text = os.urandom(1000).hex()
            raw = json.dumps({"metadata": {"name": f"p{number}", "namespace": "shop", "uid": str(number)}, "x": text})
            recording.add(raw.encode(), kind="Pod", api_version="v1", type="ADDED", origin="watch", stream="pods")
            if recording.due.is_set():
                recording.flush()
    history = History(Recording.open(tmp_path / "large"))
    history.objects.most_bytes = 1_000_000
    versions = history.versions("v1", "Pod")
    for number in (*range(0, 1000, 7), *range(999, 0, -11)):
        assert json.loads(versions.body(number))["metadata"]["uid"] == versions.keys[versions.key[number]].removeprefix(
            "shop/p"
        )
        assert history.objects.held_bytes <= 1_000_000


def test_one_that_is_being_written_is_served_as_it_was(tmp_path: Path) -> None:
    """Its writer folds files into others meanwhile."""
    with Recording.create(tmp_path / "live", {"format": 3}) as recording:
        for number in range(5):
            raw = json.dumps({"metadata": {"name": f"p{number}", "namespace": "shop", "uid": str(number)}})
            recording.add(raw.encode(), kind="Pod", api_version="v1", type="ADDED", origin="watch", stream="pods")
            recording.flush()
        opened = Recording.open(tmp_path / "live")
        history = History(opened)
    assert not list((tmp_path / "live").glob("flush-*"))
    for seen in (history, History(opened)):
        versions = seen.versions("v1", "Pod")
        assert [json.loads(raw)["metadata"]["name"] for raw in versions.bodies([0, 1, 2, 3, 4])] == [
            f"p{number}" for number in range(5)
        ]


def test_a_hundred_thousand_rows_are_there_within_two_seconds() -> None:
    made = Made().begun()
    rows = [made.version(at, f"p{at % 500}", labels={"app": "web"}) for at in range(1000)]
    for number in range(1000, 100_000):
        row = rows[number % 1000]
        made._append(msgspec.structs.replace(row, seq=len(made), name=f"p{number % 5000}", monotonic_ns=number * 10**6))
    begun = time.process_time()
    history = History(made)
    versions = history.versions("v1", "Pod")
    assert len(versions) == 100_000 and len(versions.alive(len(versions))) == 5000
    assert time.process_time() - begun < 2


def test_wall_and_moment_are_each_others_opposite() -> None:
    recording = Made().begun()
    for at in (1, 5, 9):
        recording.version(at, "a")
    history = History(recording.ended(10))
    for moment in (0, 10**9, 7 * 10**9, 10 * 10**9):
        assert history.moment(history.wall(moment)) == moment


def test_a_recording_with_nothing_in_it_has_nothing() -> None:
    history = History(Made())
    assert (history.kinds, history.begin_ns, history.end_ns, history.wall(5)) == ({}, 0, 0, 0)
    assert not len(history.versions("v1", "Pod").alive(0))
