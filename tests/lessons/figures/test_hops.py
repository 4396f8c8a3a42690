"""The hops figure: each delay is drawn and told; and readiness is followed from the probe to the answer."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import lookups
from kitlib.lessons import figures
from kitlib.lessons.figures.hops import STAGES, readiness
from kitlib.recording import Recording
from tests.frames.test_lookups import lookup
from tests.frames.test_traffic import BEGIN, SECOND, stamped
from tests.plots import drawing
from tests.plots.test_legible import check


def table(*rows: tuple) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["change", *STAGES])
    seconds = found[list(STAGES)].astype("Float64") * SECOND
    return found[["change"]].join(seconds.round().astype("Int64"))


TWO = table(("not ready", 10, 10.25, 10.5, 11), ("ready", 20, 20.5, 20.25, 22))


def test_each_hop_is_a_bar_and_the_words_say_the_same() -> None:
    axes = figures.hops(TWO)
    bars = [(patch.get_gid(), patch.get_x(), patch.get_width()) for patch in axes.patches if patch.get_y() < 2]
    drawn = [(gid, round(x, 3), round(width, 3)) for gid, x, width in bars if gid and width]
    assert ("hop 0", 0.0, 0.25) in drawn and ("hop 1", 0.25, 0.25) in drawn and ("hop 2", 0.5, 0.5) in drawn
    assert drawing.words(axes, "whole") == ["1.00 s", "2.00 s"]
    assert plots.twin(axes) == figures.hops_text(TWO)
    assert figures.hops_text(TWO).splitlines() == [
        "2 changes from probe to answer: 1.00 to 2.00 s.",
        "not ready: probe at 0, Pod 0.250 s later, EndpointSlice 0.250 s later, answer 0.500 s later; 1.00 s in all.",
        "ready: probe at 0, Pod 0.250 s later, EndpointSlice 0.000 s later, answer 1.750 s later; 2.00 s in all.",
    ]


def test_what_is_not_recorded_is_told() -> None:
    some = table(("ready", 10, None, 10.5, 11), ("not ready", 10, 11, 12, None))
    first, one, other = figures.hops_text(some).splitlines()
    assert first == "1 change from probe to answer: 1.00 s."
    assert one == "ready: probe at 0, Pod not recorded, EndpointSlice at 0.500 s, answer 0.500 s later; 1.00 s in all."
    assert other.endswith("answer not recorded; no end in all.")
    assert drawing.words(figures.hops(some), "whole") == ["1.00 s", "no end"]


@pytest.mark.parametrize("count", [0, 1, 20])
def test_it_is_legible(count: int) -> None:
    rows = [(f"change {number} " * 5, 0, number / 9, number / 8, number / 4 + 0.001) for number in range(count)]
    figure = figures.hops(table(*rows), title="How long it takes from a $probe$ to an answer").get_figure(root=True)
    assert not drawing.outside(figure) and not drawing.overlaps(figure)
    check(figures.hops(TWO).get_figure(root=True))


def test_other_stages_can_be_drawn_and_others_not() -> None:
    assert figures.hops_text(TWO, ["probe", "answer"]).endswith(
        "ready: probe at 0, answer 2.000 s later; 2.00 s in all."
    )
    with pytest.raises(UsageError, match="1 stages"):
        figures.hops(TWO, ["probe"])
    with pytest.raises(UsageError, match="no column"):
        figures.hops(TWO, ["probe", "other"])


def recorded() -> Recording:
    """A Pod that becomes not ready and ready again, each hop a tenth of a second after the other."""
    recording, version = Recording(), iter(range(10, 99))

    def add(at: float, kind: str, body: dict[str, Any]) -> None:
        name = "web-1" if kind == "Pod" else "web-x"
        meta = {"namespace": "shop", "name": name, "uid": kind, "resourceVersion": str(next(version))}
        body["metadata"] = {**meta, "labels": {"kubernetes.io/service-name": "web"}}
        recording.add(
            json.dumps(body).encode(), kind=kind, api_version="v1", type="MODIFIED", origin="watch", stream=kind,
            at=(BEGIN + int(at * SECOND), int(at * SECOND)),
        )  # fmt: skip

    log = []
    for at, ready in ((1.0, True), (5.0, False), (9.0, True)):
        probe = {"wall_ns": BEGIN + int(at * SECOND), "event": "probe", "probe": "readiness", "handler": "http"}
        log.append(stamped(at, json.dumps({**probe, "status": 200 if ready else 503, "took_ns": 1})))
        says = [{"type": "Ready", "status": str(ready)}]
        add(at + 0.1, "Pod", {"spec": {}, "status": {"podIP": "10.0.0.1", "conditions": says}})
        end = {"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": "web-1"}}
        add(at + 0.2, "EndpointSlice", {"endpoints": [end]})
        log.append(lookup(at + 0.25, error="timeout"))
        log.append(lookup(at + 0.3, *(["10.0.0.1"] if ready else []), "10.0.0.2"))
    what = {"metadata": {"name": "web-1", "namespace": "shop", "uid": "Pod/main/0"}, "container": "main"}
    recording.add(
        json.dumps({**what, "run": 0, "begin": 0, "lines": log}).encode(), kind="Log", api_version="kitlib",
        type="ADDED", origin="log", stream="logs", at=(BEGIN + 60 * SECOND, 60 * SECOND),
    )  # fmt: skip
    return recording


def test_readiness_is_followed_from_the_probe_to_the_answer() -> None:
    frames = recorded().frames
    found = readiness("web-1", frames.probes, frames.pods, frames.endpoints, lookups(frames))
    assert found["change"].tolist() == ["not ready", "ready"]
    hops = found[list(STAGES)].diff(axis=1).iloc[:, 1:].astype("float64") / SECOND
    assert hops.round(3).values.tolist() == [[0.1, 0.1, 0.1]] * 2
    assert found[["podVersion", "sliceVersion"]].values.tolist() == [[12, 13], [14, 15]]
    assert {"gaps", "window"} <= set(found.attrs)


def test_what_never_came_is_not_known() -> None:
    frames = recorded().frames
    asked = lookups(frames)
    found = readiness("web-1", frames.probes, frames.pods, frames.endpoints.iloc[:1], asked.iloc[:1])
    assert found["answer"].isna().all() and found["EndpointSlice"].isna().all() and found["Pod"].notna().all()
    assert len(readiness("web-2", frames.probes, frames.pods, frames.endpoints, asked)) == 0
