"""Invented rollouts that figures must be able to draw, and the real ones of tests/data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from kitlib.frames import Frames
from kitlib.recording import Recording
from tests.plots.invented import Cluster, cut

DATA = Path(__file__).resolve().parent.parent / "data"


def step(cluster: Cluster, name: str, seconds: float) -> Cluster:
    """Let a step that has begun last so long."""
    return cluster.run(seconds).step(name, "end")


def six() -> Frames:
    cluster = Cluster(6, surge=2, unavailable=1).apply("v1").run(6).step("change the image").apply("v2")
    return cut(step(cluster, "change the image", 4))


def hundred() -> Frames:
    cluster = Cluster(100, surge="25%", unavailable="25%")
    cluster.slow = 2
    cluster.apply("v1").run(30).step("change the image").apply("v2")
    return cut(step(cluster, "change the image", 10))


def rollback() -> Frames:
    cluster = Cluster(4, surge=1, unavailable=1).apply("v1").run(6)
    for name, template in (("v2", "v2"), ("v3, a mistake", "v3"), ("roll back to v1", "v1")):
        step(cluster.step(name).apply(template), name, 5)
    return cut(cluster)


def hung() -> Frames:
    cluster = Cluster(6, surge=2, unavailable=1)
    cluster.unschedulable.add("v2")
    return cut(step(cluster.apply("v1").run(6).step("ask for too much cpu").apply("v2"), "ask for too much cpu", 12))


def recreate() -> Frames:
    cluster = Cluster(5, strategy="Recreate").apply("v1").run(6).step("recreate").apply("v2")
    return cut(step(cluster, "recreate", 5))


def scaling() -> Frames:
    cluster = Cluster(3, surge=1, unavailable=1).apply("v1").run(6)
    step(cluster.step("scale to 8").scale(8), "scale to 8", 4)
    step(cluster.step("scale to 2").scale(2), "scale to 2", 3)
    return cut(cluster)


def pod_gap() -> Frames:
    cluster = Cluster(6).apply("v1").run(6).step("change the image").apply("v2").run(0.9).gap(1.2)
    return cut(step(cluster, "change the image", 2))


def whole_gap() -> Frames:
    cluster = Cluster(6).apply("v1").run(6).step("change the image").apply("v2").run(0.9).gap(0.3, kind="")
    return cut(step(cluster, "change the image", 2))


def long_names() -> Frames:
    name = "change the image of $web$ and of much more, as one does in a shop"
    cluster = Cluster(
        6, surge="50%", unavailable="34%", name="a-very-long-name-that-somebody-gave-to-the-frontend-of-a-shop"
    )
    return cut(step(cluster.apply("v1").run(6).step(name).apply("v2"), name, 4))


def one() -> Frames:
    cluster = Cluster(1, surge=1, unavailable=0).apply("v1").run(6).step("change the image").apply("v2")
    return cut(step(cluster, "change the image", 3))


def created() -> Frames:
    cluster = Cluster(6).run(0.5).step("create").apply("v1")
    return cut(step(cluster, "create", 3), 0.5)


def broken() -> Frames:
    cluster = Cluster(6).apply("v1").run(6)
    cluster.wrong = 2
    return cut(step(cluster.step("go wrong").apply("v2"), "go wrong", 5))


def many() -> Frames:
    cluster = Cluster(3, surge=1, unavailable=1).apply("v1").run(6)
    for number in range(60):
        step(cluster.step(f"minute {number}").apply(f"v{number + 2}"), f"minute {number}", 4)
    return cut(cluster)


INVENTED: dict[str, Callable[[], Frames]] = {
    make.__name__: make
    for make in (
        six, hundred, rollback, hung, recreate, scaling, pod_gap, whole_gap, long_names, one, created, broken,
        many,
    )
}  # fmt: skip


@cache
def invented(name: str) -> Frames:
    """Return the frames of an invented rollout, made once."""
    return INVENTED[name]()


@cache
def recording(name: str) -> Recording:
    """Return a recording of a real cluster: one of tests/data, or a lesson's."""
    path = DATA / name if (DATA / name).is_dir() else DATA.parents[1] / "recordings" / name
    return Recording.open(path)


def real_steps() -> list[tuple[str, str]]:
    """Return recording and step of every real step of a rollout: of recordings that hold Deployments."""
    names = [path.parent.name for path in sorted(DATA.glob("*/recording.json"))]
    found = [(name, recording(name).frames) for name in names]
    return [(name, str(step)) for name, frames in found if deployments(frames) for step in frames.steps["name"]]


@cache
def real(name: str, step: str) -> Frames:
    """Return the frames of a step of a real recording."""
    steps = recording(name).frames.steps.set_index("name")
    return Frames(recording(name), int(steps.loc[step, "begin_ns"]), int(steps.loc[step, "end_ns"]))


def deployments(frames: Frames) -> list[str]:
    """Return the names of the Deployments in frames."""
    replicas = frames.workloads
    return [str(name) for name in replicas.loc[replicas["kind"] == "Deployment", "name"].unique()]


def busiest(frames: Frames) -> str:
    """Return the Deployment that was seen to change most."""
    replicas = frames.workloads[frames.workloads["kind"] == "Deployment"]
    return str(replicas["name"].mode().iloc[0])
