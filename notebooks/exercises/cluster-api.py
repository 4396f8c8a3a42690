"""Exercises of the Cluster API lesson."""

from kitlib import Frames, always, equal, eventually, never
from kitlib.claims import Check
from kitlib.frames import machinehealthchecks, machines
from kitlib.lab import Exercise
from kitlib.lessons import clusterapi

BEFORE = """
from kitlib.lessons import clusterapi
clusterapi.stand(lab)
"""
CHOSEN = """
from kitlib.lessons import clusterapi
name = [each for each in clusterapi.running(lab.recorder.latest("machines")) if each.startswith("shop-workers-")][0]
"""
COLUMNS = ["resourceVersion", "type", "name", "nodeReady", "healthReason", "deletionTimestamp"]
LIMIT = """
lab.patch("machinehealthcheck/shop-workers", "spec: {{remediation: {{triggerIf: {{unhealthyLessThanOrEqualTo: {}}}}}}}")
seen = lambda check: check["status"].get("observedGeneration") == check["metadata"]["generation"]
lab.wait("machinehealthcheck/shop-workers", until=seen, what="its controller has seen it")
"""


def share(frames: Frames) -> dict[str, Check]:
    columns = ["resourceVersion", "name", "limit", "expectedMachines", "remediationsAllowed"]
    last = machinehealthchecks(frames).query("name == 'shop-workers'")[columns].tail(1)
    found = last[["expectedMachines", "remediationsAllowed"]].to_numpy().tolist()
    return {
        "Of three workers two may be replaced": equal(found, [[3, 2]], last, "workers, and how many may be replaced"),
        "The limit is a share of them": always(last, lambda rows: rows["limit"].str.endswith("%"), "a share"),
    }


def by_hand(frames: Frames) -> dict[str, Check]:
    workers = machines(frames).query("not controlPlane")
    asked = workers[workers["name"].isin(workers.query("healthReason == 'HasRemediateAnnotation'")["name"])]
    count = clusterapi.counts(workers).tail(1)
    return {
        "A worker's health check has failed because somebody asked for it": eventually(
            workers[COLUMNS], "healthReason == 'HasRemediateAnnotation'"
        ),
        "Its Node was Ready until it was to go": never(
            asked[COLUMNS], "nodeReady != 'True' and deletionTimestamp.isna()", "not Ready"
        ),
        "It is gone": eventually(asked[COLUMNS], "type == 'DELETED'"),
        "Three workers run": equal(count["running"].tolist(), [3], count, "workers that run"),
    }


def autopsy(frames: Frames) -> dict[str, Check]:
    workers = machines(frames).query("not controlPlane")
    failed = workers[workers["name"].isin(workers.query("nodeReady == 'False'")["name"])]
    last = machinehealthchecks(frames).query("name == 'shop-workers'").tail(1)[["resourceVersion", "name", "targets"]]
    targets = {name for names in last["targets"] for name in names.split(",")}
    return {
        "The Node of a worker isn't Ready": eventually(workers[COLUMNS], "nodeReady == 'False'"),
        "Its Machine is there, and is not to go": never(
            failed[COLUMNS], "deletionTimestamp.notna() or type == 'DELETED'", "marked for deletion"
        ),
        "No health check looks after it any more": equal(
            sorted(targets & set(failed["name"])), [], last, "of those that it looks after", frames=[workers, last]
        ),
    }


EXERCISES = [
    Exercise(
        name="two-of-three",
        task="Of the three workers two may be replaced at a time, but not all three. Say so to the health check"
        " `shop-workers`, by a share of them in percent, so that it still fits when there are thirty.",
        before=BEFORE,
        check=share,
        hints=(
            "The limit is `spec.remediation.triggerIf.unhealthyLessThanOrEqualTo`; what comes of it is"
            " `status.remediationsAllowed`.",
            "Two thirds are 66.7 %, and a share is rounded down.",
        ),
        solution=LIMIT.format("67%"),
        wrong=LIMIT.format("66%"),
        told="Of three workers two may be replaced",
    ),
    Exercise(
        name="by-hand",
        task="A worker runs, but you don't trust its disk any more. Have its health check replace it, and leave its Node"
        " alone. In the end three run again.",
        before=BEFORE,
        check=by_hand,
        hints=(
            "Whoever deletes the Machine gets another one, too, but past the health check and its limit.",
            "An annotation of the Machine is enough: `cluster.x-k8s.io/remediate-machine`; its value is of no account.",
        ),
        solution=CHOSEN
        + """
lab.patch(f"machine/{name}", {"metadata": {"annotations": {"cluster.x-k8s.io/remediate-machine": ""}}})
lab.wait(f"machine/{name}", deleted=True)
lab.until(lambda: clusterapi.all_run(lab), "all run again")
""",
        wrong=CHOSEN
        + """
lab.delete(f"machine/{name}")
lab.wait(f"machine/{name}", deleted=True)
lab.until(lambda: clusterapi.all_run(lab), "all run again")
""",
        told="A worker's health check has failed because somebody asked for it",
    ),
    Exercise(
        name="autopsy",
        task="You want to look at a worker that has failed, before it is replaced. Let the Node of one fail, by"
        " `clusterapi.fail(lab, 'shop', name)`, and see to it beforehand that its Machine stays.",
        before=BEFORE,
        check=autopsy,
        hints=(
            "There is an annotation that says the contrary of `remediate-machine`.",
            "`cluster.x-k8s.io/skip-remediation`: then the Machine isn't among the health check's `status.targets`.",
        ),
        solution=CHOSEN
        + """
lab.patch(f"machine/{name}", {"metadata": {"annotations": {"cluster.x-k8s.io/skip-remediation": ""}}})
left = lambda check: name not in check["status"].get("targets", ())
lab.wait("machinehealthcheck/shop-workers", until=left, what="it isn't looked after any more")
clusterapi.fail(lab, "shop", name)
lab.wait(f"machine/{name}", condition="NodeReady=False")
""",
        wrong=CHOSEN
        + """
clusterapi.fail(lab, "shop", name)
lab.wait(f"machine/{name}", deleted=True)
""",
        told="Its Machine is there, and is not to go",
    ),
]
