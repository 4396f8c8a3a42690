"""Every claim of a lesson can fail: for each there is a change of the recording that turns its verdict.

tests/data/mutants.json names one for each claim; `make mutants` finds them. Here a sample of them is tried.
"""

from __future__ import annotations

import json
import random

import pytest

from kitlib.recording import WatchEvent
from tests.lessons.answers import ANSWERS
from tests.lessons.changes import Rows, changes, numbered, rewritten
from tests.lessons.mutants import ANOTHER_ANSWER, KNOWN, answered, of, one, rows_of, turned, verdicts
from tests.lessons.replay import expectations

TURNED: dict[str, dict[str, str]] = json.loads(KNOWN.read_text())
LESSONS = sorted(TURNED)
OVERLAPPED = "where it was recorded the rounds of the two overlapped: on that busy machine it is unknown"
EXCEPTIONS: dict[str, dict[str, str]] = {
    "cluster-api": {
        "Each Node says which implementation of CRI it runs": (
            "it stands there as unknown, because the nodes of the cluster on which it was recorded are simulated"
        ),
    },
    "events": {
        "kubernetes-event-exporter routes Events by rules, to files and webhooks": (
            "it stands there as unknown, because the image can't be had"
        ),
    },
    "ingress": {
        "The entry passes a request on to the Service": (
            "which address a Service has is told by another object than to whom nginx passed a request on"
        ),
        "A virtual address from outside (keepalived) moves to an edge that lives": (
            "it stands there as unknown, because nothing on this cluster moves an address"
        ),
    },
    "kube-vip": {
        "When who holds the address is killed, the address is away until the Lease has run out": (
            "the step lasts less than half of the Lease in this recording, so nobody can be missed for longer"
        ),
        "kube-vip itself, as a static Pod, gives the API an address: one node has it": (
            "it stands there as unknown, because the image can't be had"
        ),
        "kube-vip's own Lease names the node that has the address": (
            "it stands there as unknown, because the image can't be had"
        ),
        "kube-vip itself, in BGP mode, announces the address from every node": (
            "it stands there as unknown, because the lesson doesn't run it in that mode"
        ),
    },
    "lifecycle": {
        "On a lost node the phase stays as it was, and the node's condition Ready turns Unknown": (
            "it stands there as unknown, because no node is lost in this lesson"
        ),
        "The delay is reset when a container has run for ten minutes": (
            "it stands there as unknown, because it takes ten minutes"
        ),
    },
    "statefulset": {
        "When a StatefulSet is deleted its Pods go in reverse order, too": (
            "no change lets one of the two Pods be gone before the other is marked for deletion"
        ),
    },
    "traefik": {
        "Traefik performs worse than ingress-nginx: it answers fewer requests a second": OVERLAPPED,
        "At the same load half of the answers take longer through Traefik than through ingress-nginx": OVERLAPPED,
        "At the same load the slowest hundredth of the answers takes longer through Traefik, too": OVERLAPPED,
    },
}
"""By lesson and claim: why none of these changes turns it."""
SAMPLE = 2


def test_each_claim_has_a_change_that_turns_it():
    assert {*ANSWERS} <= {*TURNED}
    names = {ANOTHER_ANSWER, *(each.name for each in changes())}
    for lesson in LESSONS:
        excepted = EXCEPTIONS.get(lesson, {})
        assert sorted({*TURNED[lesson], *excepted}) == sorted(expectations(lesson)), f"run: make mutants ARGS={lesson}"
        assert not TURNED[lesson].keys() & excepted.keys()
        assert names.issuperset(TURNED[lesson].values())
        assert all(len(why) > 20 for why in excepted.values())


def test_what_is_no_answer_is_a_change_of_the_recording():
    by_answer = [text for known in TURNED.values() for text, name in known.items() if name == ANOTHER_ANSWER]
    assert len(by_answer) <= 36, "only what asks the server or a container"


def wanted(lesson: str, text: str) -> str:
    """Return the verdict that a claim expects of the newest version; `test_replay` sees that the recording gives it."""
    expected = expectations(lesson)[text]
    return expected if isinstance(expected, str) else expected[max(expected)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_change_turns_what_it_is_said_to(lesson):
    """A few claims of each lesson; others when the lesson has other claims."""
    texts = sorted(text for text, name in TURNED[lesson].items() if name != ANOTHER_ANSWER)
    for text in random.Random("".join(texts)).sample(texts, SAMPLE):
        found = one((lesson, TURNED[lesson][text], [text]))
        assert found is not None, "this changes nothing"
        assert found[text] not in ("unknown", wanted(lesson, text)), f"{TURNED[lesson][text]}: {text}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_another_answer_turns_what_stands_on_an_answer(lesson):
    texts = [text for text, name in TURNED[lesson].items() if name == ANOTHER_ANSWER]
    plain = verdicts(of(lesson, rows_of(lesson)), texts, answered(lesson))
    assert plain == {text: wanted(lesson, text) for text in texts}
    assert sorted(turned(plain, one((lesson, ANOTHER_ANSWER, texts)) or {})) == texts


# Planted violations of what controllers promise.


def told(lesson: str, rows: Rows, text: str) -> str:
    """Return the verdict that other rows give a claim that holds on the recording."""
    assert wanted(lesson, text) == "holds"
    return verdicts(of(lesson, rows), [text], answered(lesson))[text]


def written(row: WatchEvent, after: WatchEvent, uid: str = "", **spec: object) -> WatchEvent:
    """Return a row as it would be if it had been written right after another one."""
    obj = json.loads(row.object)
    version = str(int(after.resourceVersion) + 1)
    obj["metadata"].update({"resourceVersion": version, "uid": uid or row.uid, **spec})
    return rewritten(
        row,
        obj,
        name=obj["metadata"]["name"],
        uid=uid or row.uid,
        resourceVersion=version,
        monotonic_ns=after.monotonic_ns + 1,
        received_at=after.received_at + 1,
    )


def first(lesson: str, kind: str, name: str) -> WatchEvent:
    """Return the first row of an object."""
    return next(row for row in rows_of(lesson) if row.kind == kind and row.name.startswith(name))


def owned(lesson: str, kind: str, owner: str) -> list[str]:
    """Return the uids of what belongs to an object of some name."""
    found = {}
    for row in rows_of(lesson):
        if row.kind == kind and row.object:
            references = json.loads(row.object)["metadata"].get("ownerReferences") or ()
            if owner in [reference["name"] for reference in references]:
                found[row.uid] = row
    return list(found)


def test_two_ordinals_at_once_break_the_order():
    early = written(first("statefulset", "Pod", "ordered-2"), after=first("statefulset", "Pod", "ordered-1"))
    rows = numbered([*rows_of("statefulset"), early])
    text = "Pods are created from ordinal 0 up, each when all before it are Running and Ready"
    assert told("statefulset", rows, text) == "fails"


def test_a_second_pod_of_an_ordinal_breaks_its_identity():
    pod = first("statefulset", "Pod", "db-1")
    going = next(row for row in rows_of("statefulset") if row.uid == pod.uid and b"deletionTimestamp" in row.object)
    rows = numbered([*rows_of("statefulset"), written(pod, after=going, uid=f"{pod.uid[:-4]}ffff")])
    text = "There are never two Pods of one ordinal: the new one is created when the old one is gone"
    assert told("statefulset", rows, text) == "fails"


def test_one_job_too_many_breaks_forbid():
    job = first("cronjob", "Job", "forbid-")
    prefix, _, minute = job.name.rpartition("-")
    next_one = written(job, after=job, uid=f"{job.uid[:-4]}ffff", name=f"{prefix}-{int(minute) + 1}")
    rows = numbered([*rows_of("cronjob"), next_one])
    text = "Forbid leaves a run out while another one isn't finished"
    assert told("cronjob", rows, text) == "fails"


def test_a_second_job_for_one_time_breaks_the_schedule():
    job = first("cronjob", "Job", "tick-07-")
    rows = numbered([*rows_of("cronjob"), written(job, after=job, uid=f"{job.uid[:-4]}ffff", name=f"{job.name}x")])
    text = "About one Job is made for each time: here, where nothing failed, exactly one"
    assert told("cronjob", rows, text) == "fails"


def test_one_pod_too_many_breaks_a_jobs_parallelism():
    pod = first("job", "Pod", "four-by-1-")
    rows = numbered([*rows_of("job"), written(pod, after=pod, uid=f"{pod.uid[:-4]}ffff", name=f"{pod.name[:-1]}0")])
    text = "At every moment at most `parallelism` of its Pods are active"
    assert told("job", rows, text) == "fails"


def test_a_node_without_its_daemon_is_noticed():
    gone = owned("daemonset", "Pod", "agent")[0]
    rows = numbered([row for row in rows_of("daemonset") if row.uid != gone])
    text = "It runs a Pod on each node that it may use"
    assert told("daemonset", rows, text) == "fails"


def test_a_node_without_its_daemon_breaks_the_surge():
    """The old Pod goes when the new one is made, not when that is Ready."""
    uids = owned("daemonset", "Pod", "overlap")
    mine = [row for row in rows_of("daemonset") if row.uid in uids]
    new = next(row for row in mine if row.type == "ADDED" and b"web:2.0" in row.object)
    node = json.loads(next(row for row in mine if row.uid == new.uid and b"nodeName" in row.object).object)
    gone = next(
        row
        for row in mine
        if row.type == "DELETED"
        and row.uid != new.uid
        and json.loads(row.object)["spec"]["nodeName"] == node["spec"]["nodeName"]
    )
    kept = [row for row in rows_of("daemonset") if row.uid != gone.uid or row.monotonic_ns < new.monotonic_ns]
    rows = numbered([*kept, written(gone, after=new)])
    text = "With maxSurge 1 and maxUnavailable 0 the old Pod stays until the new one is available: no node is without"
    assert told("daemonset", rows, text) == "fails"
