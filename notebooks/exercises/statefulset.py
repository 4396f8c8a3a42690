"""The exercises of statefulset.ipynb: a canary, the way out of a stuck update, and an end in order."""

from __future__ import annotations

from kitlib import eventually, happens_before, never
from kitlib.claims import Check
from kitlib.frames import Frames
from kitlib.lab import Exercise


def stage(name: str) -> str:
    """Return what makes a StatefulSet of three Pods, and waits for them."""
    return f'''
lab.apply({{
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {{"name": "{name}"}},
    "spec": {{
        "replicas": 3,
        "serviceName": "{name}",
        "selector": {{"matchLabels": {{"app": "{name}"}}}},
        "template": {{
            "metadata": {{"labels": {{"app": "{name}"}}}},
            "spec": {{
                "terminationGracePeriodSeconds": 1,
                "containers": [{{"name": "main", "image": "localhost/probe:local"}}],
            }},
        }},
    }},
}})
lab.wait("statefulset/{name}", settled=True)
'''


def canary(frames: Frames) -> dict[str, Check]:
    """Tell a canary from an update of all, and from none."""
    pods = frames.pods.query("`owner.name` == 'shop'")
    pods = pods[["monotonic_ns", "resourceVersion", "type", "name", "uid", "ready", "deletionTimestamp"]]
    mine, others = pods.query("name == 'shop-2'"), pods.query("name != 'shop-2'")
    gone = mine.query("type == 'DELETED'")
    new = mine[~mine["uid"].isin(gone["uid"])]
    sets = frames.statefulsets.query("name == 'shop'")[["resourceVersion", "name", "updatedReplicas", "partition"]]
    return {
        "shop-2 was replaced, and is Ready": happens_before(gone, new.query("ready")),
        "shop-0 and shop-1 were left alone": never(others, "deletionTimestamp.notna()", "one of them goes"),
        "The StatefulSet has a new template, which one Pod follows": eventually(
            sets.tail(1), "updatedReplicas == 1", "one Pod is updated"
        ),
    }


def way_out(frames: Frames) -> dict[str, Check]:
    """See all three Ready of the template that can run, and only the broken Pod deleted."""
    pods = frames.pods.query("`owner.name` == 'cart'")
    pods = pods[["monotonic_ns", "resourceVersion", "type", "name", "uid", "ready", "deletionTimestamp"]]
    mine, others = pods.query("name == 'cart-2'"), pods.query("name != 'cart-2'")
    gone = mine.query("type == 'DELETED'")
    new = mine[~mine["uid"].isin(gone["uid"])]
    sets = frames.statefulsets.query("name == 'cart'")[["resourceVersion", "name", "readyReplicas", "updatedReplicas"]]
    return {
        "The broken cart-2 is gone": eventually(mine, "type == 'DELETED'", "cart-2 is gone"),
        "Another cart-2 is Ready": eventually(new, "ready", "cart-2 is Ready"),
        "All three are Ready, of the StatefulSet's template": eventually(
            sets.tail(1), "readyReplicas == 3 and updatedReplicas == 3", "three Pods are Ready and updated"
        ),
        "cart-0 and cart-1 were left alone": never(others, "deletionTimestamp.notna()", "one of them goes"),
    }


def in_order(frames: Frames) -> dict[str, Check]:
    """See each Pod go when the higher ones are gone, and the StatefulSet last."""
    pods = frames.pods.query("name.str.startswith('line-')")
    pods = pods[["monotonic_ns", "resourceVersion", "type", "name", "uid", "deletionTimestamp"]]
    gone = {name: pods[(pods["name"] == name) & (pods["type"] == "DELETED")] for name in sorted({*pods["name"]})}
    marked = {name: pods[(pods["name"] == name) & pods["deletionTimestamp"].notna()] for name in gone}
    sets = frames.workloads.query("kind == 'StatefulSet' and name == 'line'")[["resourceVersion", "type", "name"]]
    empty = pods.iloc[:0]
    return {
        "line-1 went when line-2 was gone": happens_before(gone.get("line-2", empty), marked.get("line-1", empty)),
        "line-0 went when line-1 was gone": happens_before(gone.get("line-1", empty), marked.get("line-0", empty)),
        "The StatefulSet is gone, after the last of them": happens_before(
            gone.get("line-0", empty), sets.query("type == 'DELETED'")
        ),
    }


EXERCISES = [
    Exercise(
        name="canary",
        task="Give the Pods of the StatefulSet `shop` the annotation `release: two`, but for now only `shop-2`. "
        "Wait until it is Ready.",
        before=stage("shop"),
        check=canary,
        hints=(
            "A Pod's annotations come from `spec.template.metadata.annotations`.",
            "`spec.updateStrategy.rollingUpdate.partition` is the lowest ordinal that is updated. Set it first.",
        ),
        solution="""
lab.patch("statefulset/shop", "spec: {updateStrategy: {rollingUpdate: {partition: 2}}}")
lab.patch("statefulset/shop", "spec: {template: {metadata: {annotations: {release: two}}}}")
lab.wait("statefulset/shop", settled=True)
""",
        wrong="""
lab.patch("statefulset/shop", "spec: {template: {metadata: {annotations: {release: two}}}}")
lab.wait("statefulset/shop", settled=True)
""",
        told="shop-0 and shop-1 were left alone",
    ),
    Exercise(
        name="way-out",
        task="The StatefulSet `cart` was told to run on nodes with the label `disk: golden`. There are none, and its "
        "update is stuck. Bring all three Pods back to where they ran.",
        before=stage("cart")
        + """
lab.patch("statefulset/cart", "spec: {template: {spec: {nodeSelector: {disk: golden}}}}")
lab.until(
    lambda: len(lab.frames.pods.query("name == 'cart-2' and reason == 'Unschedulable'")),
    "cart-2 finds no node",
)
""",
        check=way_out,
        hints=(
            "The template comes first: a patch with `null` takes a field away.",
            "Is `cart-2` replaced then? `OrderedReady` waits until it is Ready, and it never will be.",
        ),
        solution="""
lab.patch("statefulset/cart", "spec: {template: {spec: {nodeSelector: {disk: null}}}}")
lab.wait("statefulset/cart", observed=True)
lab.delete("pod/cart-2")
lab.wait("statefulset/cart", settled=True)
""",
        wrong="""
lab.patch("statefulset/cart", "spec: {template: {spec: {nodeSelector: {disk: null}}}}")
lab.wait("statefulset/cart", observed=True)
""",
        told="The broken cart-2 is gone",
    ),
    Exercise(
        name="in-order",
        task="Delete the StatefulSet `line` so that its Pods go one after the other, `line-0` last.",
        before=stage("line"),
        check=in_order,
        hints=(
            "Deletion keeps no order. What does?",
            "Scale to 0, wait until the last Pod is gone, then delete.",
        ),
        solution="""
lab.scale("statefulset/line", 0)
lab.wait("statefulset/line", settled=True)
lab.delete("statefulset/line")
lab.wait("statefulset/line", deleted=True)
""",
        wrong="""
lab.delete("statefulset/line", propagation="Foreground")
lab.wait("statefulset/line", deleted=True)
""",
        told="line-0 went when line-1 was gone",
    ),
]
