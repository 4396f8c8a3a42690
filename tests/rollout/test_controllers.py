"""Each promise of the four other controllers: kept in what a real one did, broken in what is changed of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from kitlib import rollout
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording, WatchEvent

DATA = Path(__file__).parents[1] / "data" / "workloads"
Rows = list[WatchEvent]


@pytest.fixture(scope="module")
def rows() -> Rows:
    return list(Recording.open(DATA).rows)


def told(rows: Rows) -> Frames:
    """Make the frames of rows, in their order."""
    recording = Recording()
    for number, row in enumerate(row for row in rows if row.kind != "Node"):
        recording._append(msgspec.structs.replace(row, seq=number))
    return recording.frames


def answer(frames: Frames, ref: str) -> rollout.Answer:
    """Judge one controller."""
    kind = ref.partition("/")[0]
    if kind == "cronjob":
        return rollout.cronjob(frames.jobs, frames.cronjobs, ref)
    asked: Any = getattr(rollout, kind)
    return asked(frames.pods, getattr(frames, f"{kind}s"), ref)


def at(row: WatchEvent, version: int, **changed: Any) -> WatchEvent:
    """Return the row at another place of the server's order; what else is changed of it is a field of the row."""
    return msgspec.structs.replace(row, resourceVersion=str(version), **changed)


def edited(row: WatchEvent, old: str, new: str) -> WatchEvent:
    """Return the row with another text in its object."""
    assert old.encode() in row.object
    return msgspec.structs.replace(row, object=row.object.replace(old.encode(), new.encode()))


def of(rows: Rows, name: str, type: str = "", having: str = "", nth: int = 0, kind: str = "Pod") -> int:
    """Return where a version of an object stands among the rows."""
    found = [
        number
        for number, row in enumerate(rows)
        if row.kind == kind and row.name == name and type in ("", row.type) and having.encode() in row.object
    ]
    return found[nth]


def version(row: WatchEvent) -> int:
    return int(row.resourceVersion)


def moved(rows: Rows, which: int, before: int) -> Rows:
    """Return the rows with one of them written just before another one, as far as the server's order tells."""
    return [at(row, version(rows[before]) - 1) if number == which else row for number, row in enumerate(rows)]


def twin(rows: Rows, which: int, version_: int, **changed: Any) -> Rows:
    """Return the rows and another object like one of them, with a uid of its own."""
    return [*rows[: which + 1], at(rows[which], version_, uid="another", **changed), *rows[which + 1 :]]


READY = '"type":"Ready","status":"True"'
ENDING = '"deletionTimestamp"'


def ready_at(rows: Rows, name: str, nth: int = 0) -> int:
    """Return where a Pod is Ready."""

    def so(row: WatchEvent) -> bool:
        status = json.loads(row.object).get("status", {})
        return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))

    return [number for number, row in enumerate(rows) if row.kind == "Pod" and row.name == name and so(row)][nth]


def two_ordinals_at_once(rows: Rows) -> Rows:
    return moved(rows, of(rows, "db-1", "ADDED"), ready_at(rows, "db-0"))


def a_second_pod_of_an_ordinal(rows: Rows) -> Rows:
    there = ready_at(rows, "db-2")
    return twin(rows, of(rows, "db-2", "ADDED"), version(rows[there]) + 1)


def one_ordinal_too_many(rows: Rows) -> Rows:
    return twin(rows, of(rows, "db-2", "ADDED"), version(rows[ready_at(rows, "db-2")]) + 1, name="db-7")


def scaled_down_from_below(rows: Rows) -> Rows:
    end = of(rows, "db-3", having=ENDING)
    return moved(rows, of(rows, "db-2", having=ENDING), end)


def updated_from_below(rows: Rows) -> Rows:
    """Ordinal 0 goes before ordinal 2 when the image is web:2."""
    first = of(rows, "db-2", having=ENDING, nth=3)
    found = [n for n, row in enumerate(rows) if row.name == "db-0" and ENDING.encode() in row.object]
    assert version(rows[found[0]]) > version(rows[first])
    return moved(rows, found[0], first)


def new_below_the_partition(rows: Rows) -> Rows:
    again = of(rows, "db-0", "ADDED", nth=-1)
    last = json.loads(rows[of(rows, "db", kind="StatefulSet", nth=-1)].object)["status"]
    return [
        edited(row, last["currentRevision"], last["updateRevision"]) if number == again else row
        for number, row in enumerate(rows)
    ]


def a_node_without_its_daemon(rows: Rows) -> Rows:
    first = next(row for row in rows if row.kind == "Pod" and row.name.startswith("agent-"))
    return [row for row in rows if row.uid != first.uid]


def two_daemons_on_a_node(rows: Rows) -> Rows:
    placed = next(n for n, row in enumerate(rows) if row.name.startswith("agent-") and b'"nodeName":"' in row.object)
    return twin(rows, placed, version(rows[placed]) + 1)


def daemons(rows: Rows, revision: int) -> list[str]:
    """Return the names of a DaemonSet's Pods of its nth revision, as they came."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.kind == "Pod" and row.name.startswith("agent-") and row.type == "ADDED":
            labels = json.loads(row.object)["metadata"]["labels"]
            found.setdefault(labels["controller-revision-hash"], []).append(row.name)
    return list(found.values())[revision]


def two_nodes_without_a_daemon(rows: Rows) -> Rows:
    """A second old Pod goes right after the first one."""
    ends = sorted((of(rows, name, having=ENDING) for name in daemons(rows, 0)), key=lambda n: version(rows[n]))
    return moved(rows, ends[1], ends[0])


def the_old_daemon_before_the_new(rows: Rows) -> Rows:
    """An old Pod goes while the new one beside it isn't Ready yet."""
    second = sorted((of(rows, name, having=ENDING) for name in daemons(rows, 0)), key=lambda n: version(rows[n]))[1]
    node = json.loads(rows[second].object)["spec"]["nodeName"]
    new = next(
        name for name in daemons(rows, 2) if json.loads(rows[ready_at(rows, name)].object)["spec"]["nodeName"] == node
    )
    return moved(rows, second, ready_at(rows, new))


def one_pod_of_a_job_too_many(rows: Rows) -> Rows:
    """A third one while two are active."""
    added = [
        n for n, row in enumerate(rows) if row.name.startswith("pi-") and row.kind == "Pod" and row.type == "ADDED"
    ]
    return twin(rows, added[1], version(rows[added[1]]) + 1)


def one_pod_more_than_completions(rows: Rows) -> Rows:
    """A sixth one, when the fifth is there and four have succeeded."""
    added = [
        n for n, row in enumerate(rows) if row.name.startswith("pi-") and row.kind == "Pod" and row.type == "ADDED"
    ]
    last = max(version(row) for row in rows if row.kind == "Pod" and row.name == rows[added[-1]].name)
    return twin(rows, added[-1], last + 1, name="pi-more")


def an_index_twice(rows: Rows) -> Rows:
    annotation = '"batch.kubernetes.io/job-completion-index":"{}"'
    return [
        edited(row, annotation.format(1), annotation.format(0))
        if row.kind == "Pod" and row.name.startswith("indexed-1")
        else row
        for row in rows
    ]


def complete_without_an_index(rows: Rows) -> Rows:
    def less(row: WatchEvent) -> WatchEvent:
        mine = row.kind == "Job" and row.name == "indexed" and b'"completedIndexes":"0-3"' in row.object
        return edited(row, '"completedIndexes":"0-3"', '"completedIndexes":"0,2-3"') if mine else row

    return [less(row) for row in rows]


def made_after_too_many_failures(rows: Rows) -> Rows:
    added = [n for n, row in enumerate(rows) if row.name.startswith("broken-") and row.type == "ADDED"]
    failed = of(rows, rows[added[-1]].name, having='"phase":"Failed"')
    return twin(rows, added[-1], version(rows[failed]) + 1, name="broken-more")


def made_while_suspended(rows: Rows) -> Rows:
    added = next(n for n, row in enumerate(rows) if row.name.startswith("later-") and row.type == "ADDED")
    return moved(rows, added, of(rows, "later", having='"suspend":false', kind="Job"))


def made_after_its_end(rows: Rows) -> Rows:
    added = next(n for n, row in enumerate(rows) if row.name.startswith("later-") and row.type == "ADDED")
    return twin(rows, added, version(rows[of(rows, "later", kind="Job", nth=-1)]) + 1, name="later-more")


def fired(rows: Rows, name: str) -> list[int]:
    return [
        n for n, row in enumerate(rows) if row.kind == "Job" and row.type == "ADDED" and row.name.startswith(f"{name}-")
    ]


def forbidden(rows: Rows) -> Rows:
    done = next(
        n
        for n, row in enumerate(rows)
        if row.name == rows[fired(rows, "forbid")[0]].name and b'"Complete"' in row.object
    )
    return moved(rows, fired(rows, "forbid")[1], done)


def not_replaced(rows: Rows) -> Rows:
    first = rows[fired(rows, "replace")[0]].name
    gone = next(
        n for n, row in enumerate(rows)
        if row.name == first and row.kind == "Job" and (row.type == "DELETED" or ENDING.encode() in row.object)
    )  # fmt: skip
    return moved(rows, fired(rows, "replace")[1], gone)


def twice_for_one_time(rows: Rows) -> Rows:
    first = fired(rows, "allow")[0]
    return twin(rows, first, version(rows[first]) + 1, name="allow-more")


def before_its_time(rows: Rows) -> Rows:
    first = fired(rows, "allow")[0]
    time = json.loads(rows[first].object)["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    later = str(pd.Timestamp(time) + pd.Timedelta(minutes=2)).replace(" ", "T").replace("+00:00", "Z")
    key = 'scheduled-timestamp":"'
    return [edited(row, key + time, key + later) if number == first else row for number, row in enumerate(rows)]


def fired_while_suspended(rows: Rows) -> Rows:
    return [
        edited(row, '"suspend":false', '"suspend":true') if row.kind == "CronJob" and row.name == "allow" else row
        for row in rows
    ]


BROKEN: list[tuple[str, str, Callable[[Rows], Rows]]] = [
    ("statefulset/db", "create", two_ordinals_at_once),
    ("statefulset/db", "identity", a_second_pod_of_an_ordinal),
    ("statefulset/db", "range", one_ordinal_too_many),
    ("statefulset/db", "scale down", scaled_down_from_below),
    ("statefulset/db", "update", updated_from_below),
    ("statefulset/db", "partition", new_below_the_partition),
    ("daemonset/agent", "nodes", a_node_without_its_daemon),
    ("daemonset/agent", "one", two_daemons_on_a_node),
    ("daemonset/agent", "unavailable", two_nodes_without_a_daemon),
    ("daemonset/agent", "surge", the_old_daemon_before_the_new),
    ("job/pi", "parallelism", one_pod_of_a_job_too_many),
    ("job/pi", "completions", one_pod_more_than_completions),
    ("job/indexed", "index", an_index_twice),
    ("job/indexed", "index", complete_without_an_index),
    ("job/broken", "backoffLimit", made_after_too_many_failures),
    ("job/later", "suspend", made_while_suspended),
    ("job/later", "finished", made_after_its_end),
    ("cronjob/forbid", "Forbid", forbidden),
    ("cronjob/replace", "Replace", not_replaced),
    ("cronjob/allow", "once", twice_for_one_time),
    ("cronjob/allow", "time", before_its_time),
    ("cronjob/allow", "suspend", fired_while_suspended),
]


@pytest.fixture(scope="module")
def real(rows: Rows) -> Frames:
    return told(rows)


@pytest.mark.parametrize("ref", sorted({ref for ref, *_ in BROKEN}))
def test_the_real_one_keeps_them(real: Frames, ref: str) -> None:
    kept = answer(real, ref)
    assert kept.kept is True and kept.breaches.empty, kept.breaches.to_string()
    assert all(kept.of(promise) for each, promise, _ in BROKEN if each == ref and promise != "suspend")


@pytest.mark.parametrize(("ref", "promise", "change"), BROKEN, ids=[each[2].__name__ for each in BROKEN])
def test_each_promise_is_seen_broken(rows: Rows, ref: str, promise: str, change: Callable[[Rows], Rows]) -> None:
    broken = answer(told(change(rows)), ref)
    assert broken.kept is False and broken.of(promise) is False, broken.table.to_string()
    about = broken.breaches[broken.breaches["promise"] == promise].iloc[0]
    assert about["text"] and about["object"] and about["resourceVersion"] > 0


@pytest.mark.parametrize(("policy", "healthy", "breaks"), [
    ("Parallel", True, True), ("Parallel", False, False), ("OrderedReady", False, True),
])  # fmt: skip
def test_in_parallel_an_old_pod_that_is_not_ready_is_replaced_out_of_order(
    rows: Rows, policy: str, healthy: bool, breaks: bool
) -> None:
    ends = of(rows, "db-0", having=ENDING)
    changed = moved(rows, ends, of(rows, "db-1", having=ENDING))  # db-1 is old and Ready

    def told_otherwise(row: WatchEvent) -> WatchEvent:
        if row.kind == "StatefulSet" and row.name == "db":
            return edited(row, '"OrderedReady"', f'"{policy}"')
        if row.uid != rows[ends].uid or healthy:
            return row
        obj = json.loads(row.object)
        for each in obj["status"].get("conditions", ()):
            each["status"] = "False" if each["type"] == "Ready" else each["status"]
        return msgspec.structs.replace(row, object=json.dumps(obj).encode())

    found = answer(told([told_otherwise(row) for row in changed]), "statefulset/db").breaches
    assert ("db-0" in set(found.query("promise == 'update'")["object"])) is breaks, found.to_string()


@pytest.mark.parametrize("ref", ["statefulset/db", "daemonset/agent", "job/pi", "cronjob/forbid"])
def test_a_gap_leaves_open_what_was_not_seen_broken(rows: Rows, ref: str) -> None:
    kind = {"statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job", "cronjob": "CronJob"}
    known = next(row for row in rows if row.kind == kind[ref.partition("/")[0]])
    middle = (rows[0].monotonic_ns + rows[-1].monotonic_ns) // 2
    what = {"kind": known.kind, "after_ns": middle, "until_ns": middle + 10**9, "reason": "cut", "after_rv": None}
    gap = WatchEvent(
        known.received_at, middle, "", "", "", known.kind, "", "", "GAP", "kitlib", known.stream,
        json.dumps({**what, "until_rv": None}).encode(),
    )  # fmt: skip
    number = next(n for n, row in enumerate(rows) if row.monotonic_ns > middle)
    found = answer(told([*rows[:number], gap, *rows[number:]]), ref)
    assert found.gaps and found.kept is None and not found.table["kept"].any()


def test_what_was_not_put_to_the_test_is_unknown(real: Frames) -> None:
    crowd = answer(real, "statefulset/crowd")
    assert crowd.kept is True and crowd.of("identity") is True and crowd.of("create") is None
    with pytest.raises(UsageError, match="makes no promise 'speed'"):
        crowd.of("speed")


def test_what_is_deleted_promises_nothing(rows: Rows) -> None:
    changed = two_ordinals_at_once(rows)
    first = of(rows, "db", "ADDED", kind="StatefulSet")
    gone = edited(rows[first], '"metadata":{', '"metadata":{"deletionTimestamp":"2026-11-28T19:00:00Z",')
    found = answer(told([*changed[: first + 1], at(gone, version(gone) + 1), *changed[first + 1 :]]), "statefulset/db")
    assert found.deleted is not None and found.breaches.empty and found.kept is None


def test_one_that_was_not_recorded_is_named_with_those_that_were(real: Frames) -> None:
    with pytest.raises(UsageError, match=r"no StatefulSets? 'bd'.*\n.*/db"):
        answer(real, "statefulset/bd")
    with pytest.raises(UsageError, match="StatefulSets in these frames"):
        rollout.statefulset(real.pods, real.statefulsets)
    with pytest.raises(UsageError, match="has no column partition"):
        rollout.statefulset(real.pods, real.statefulsets.drop(columns="partition"))
