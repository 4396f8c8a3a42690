"""The figures of traffic, probes and back-off, on logs that are written out here."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.recording import Recording
from tests.plots import cases
from tests.plots.test_legible import check

SECOND = 1_000_000_000
BEGIN = 1_764_000_000 * SECOND


class Written:
    """A recording, written line by line."""

    def __init__(self) -> None:
        self.recording = Recording()

    def add(self, kind: str, at: float, uid: str, type_: str = "MODIFIED", **what: Any) -> None:
        meta = {"name": uid.partition("/")[0], "namespace": "shop", "uid": uid}
        meta["resourceVersion"] = str(len(self.recording) + 1)
        body = {"metadata": {**meta, **what.pop("meta", {})}, **what}
        now = int(at * SECOND)
        self.recording.add(
            json.dumps(body).encode(), kind=kind, api_version="v1", type=type_, origin="watch", stream=kind,
            at=(BEGIN + now, now),
        )  # fmt: skip

    def log(self, uid: str, lines: list[tuple[float, dict[str, Any]]], at: float, container: str = "main") -> None:
        said = [
            f"2026-01-01T00:00:00Z {json.dumps({'wall_ns': BEGIN + int(when * SECOND), **line}, separators=(',', ':'))}"
            for when, line in lines
        ]
        self.add("Log", at, f"{uid}/{container}/0", container=container, run=0, begin=0, lines=said)


def request(who: str, ready: bool = True, error: str = "") -> dict[str, Any]:
    line = {"late_ns": 0, "took_ns": 2_000_000, "status": 0 if error else 200, "who": "" if error else who}
    return line | {"ready": "" if error else str(ready).lower()} | ({"error": error} if error else {})


def slices(written: Written, at: float, a: bool, ending: bool = False) -> None:
    conditions = [{"ready": a, "serving": a or ending, "terminating": ending}, {"ready": True, "serving": True}]
    endpoints = [
        {"addresses": [f"10.0.0.{n}"], "targetRef": {"kind": "Pod", "name": f"web-{'ab'[n]}"}, "conditions": each}
        for n, each in enumerate(conditions)
    ]
    written.add("EndpointSlice", at, "s", meta={"labels": {"kubernetes.io/service-name": "web"}}, endpoints=endpoints)


def load(lost: bool = True) -> Frames:
    written = Written()
    slices(written, 0, True)
    slices(written, 5, False)
    slices(written, 8, False, ending=True)
    sent = [(at / 10, request("web-ab"[:4] + "ab"[at % 2])) for at in range(100)]
    sent = [(at, line) for at, line in sent if line["who"] == "web-b" or at < 5.4]
    sent = [(at, request("web-a", at < 3)) if line["who"] == "web-a" else (at, line) for at, line in sent]
    sent += [(9.5, request("", error="refused")), (9.6, request("", error="refused"))] if lost else []
    written.log("client", sent, 10)
    return written.recording.frames


def answers(*each: tuple[float, str, int], handler: str = "http") -> list[tuple[float, dict[str, Any]]]:
    return [
        (at, {"event": "probe", "probe": probe, "handler": handler, "status": status, "took_ns": 1})
        for at, probe, status in each
    ]


def asked() -> Frames:
    written = Written()
    probe = {"periodSeconds": 1, "failureThreshold": 3}
    spec = {"containers": [{"name": "main", "startupProbe": {**probe, "failureThreshold": 9}, "livenessProbe": probe}]}

    def pod(at: float, restarts: int, ready: bool) -> None:
        state = {"name": "main", "ready": ready, "restartCount": restarts, "state": {"running": {}}, "image": "probe"}
        written.add("Pod", at, "web", spec=spec, status={"containerStatuses": [state]})

    pod(0, 0, False)
    startup = [(1, "startup", 503), (2, "startup", 503), (3, "startup", 200)]
    pod(3.5, 0, True)
    live = [(4, "liveness", 200), (5, "liveness", 503), (6, "liveness", 200)]
    failing = [(at, "liveness", 503) for at in (7, 8, 9)]
    pod(9.5, 1, False)
    written.log("web", answers(*startup, *live, *failing), 10)
    return written.recording.frames


def figure(axes: Axes) -> Figure:
    found = axes.get_figure(root=True)
    assert isinstance(found, Figure)
    return found


def artists(axes: Axes, gid: str) -> list[Any]:
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


def test_each_request_is_a_tick_in_the_lane_of_who_answered() -> None:
    frames = load()
    axes = plots.traffic(frames.traffic, frames.endpoints)
    ticks = [len(each.get_segments()) for each in artists(axes, "request")]
    unready = frames.traffic["ready"].eq(False).fillna(False)
    a = frames.traffic["who"] == "web-a"
    assert ticks == [(a & ~unready).sum(), unready.sum(), (frames.traffic["who"] == "web-b").sum(), 0, 2]
    assert [text.get_text() for text in axes.texts if text.get_gid() == "lane"] == ["web-a", "web-b", "no answer"]
    check(figure(axes))


def test_the_words_of_traffic_say_what_was_lost_and_what_came_too_late() -> None:
    frames = load()
    text = plots.traffic_text(frames.traffic, frames.endpoints)
    assert "2 without an answer" in text and "No answer, refused: 2 requests, from 9.5 s to 9.6 s." in text
    assert "of them while not ready, from 3.0 s to 5.2 s" in text
    assert "endpoint not ready from 5.0 s to 8.0 s, endpoint terminating from 8.0 s" in text
    assert text == plots.twin(plots.traffic(frames.traffic, frames.endpoints))


def test_traffic_without_endpoints_without_loss_and_without_requests() -> None:
    frames = load(lost=False)
    axes = plots.traffic(frames.traffic)
    assert not [text for text in axes.texts if text.get_text() == "no answer"]
    check(figure(axes))
    empty = Frames(Recording(), 0, SECOND)
    assert plots.traffic_text(empty.traffic) == "Nothing recorded: no request in this time."
    check(figure(plots.traffic(empty.traffic)))


def test_a_row_of_failures_is_shaded_where_it_reaches_the_threshold_only() -> None:
    frames = asked()
    axes = plots.probes(frames.probes, frames.containers)
    (shade,) = artists(axes, "threshold")
    zero = frames.probes.attrs["window"][0]
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == pytest.approx((7, 9)), zero
    assert len(artists(axes, "action")) == 1, "the restart stands once, beside the probe that caused it"
    assert [len(each.get_segments()) for each in artists(axes, "probe")] == [1, 2, 2, 4]
    check(figure(axes))


def test_the_words_of_probes_say_when_the_threshold_was_reached() -> None:
    frames = asked()
    text = plots.probes_text(frames.probes, frames.containers)
    assert "3 in a row failed from 7.0 s to 9.0 s" in text and "main seen restarted at 9.5 s" in text
    assert text == plots.twin(plots.probes(frames.probes, frames.containers))
    empty = Frames(Recording(), 0, SECOND)
    assert plots.probes_text(empty.probes) == "Nothing recorded: no probe in this time."
    check(figure(plots.probes(empty.probes)))


def test_a_backoff_is_drawn_beside_its_rule() -> None:
    delays = pd.DataFrame({"restart": [1, 2, 3, 4], "delay": [0.0, 11.0, 22.0, 43.0]})
    axes = plots.backoff(delays)
    assert axes.get_yscale() == "log"
    (rule,) = artists(axes, "rule")
    assert list(rule.get_ydata()) == [10, 20, 40, 80, 160]
    check(figure(axes))
    assert "Before restart 3: 22.0 s." in plots.backoff_text(delays)
    with pytest.raises(UsageError, match="no column delay"):
        plots.backoff(delays[["restart"]])


def test_a_jobs_retries_wait_from_the_first_on() -> None:
    delays = pd.DataFrame({"retry": [1, 2, 3], "delay": [10.6, 20.4, 40.5]})
    axes = plots.backoff(delays, most=600, what="retry", free=0)
    (rule,) = artists(axes, "rule")
    assert list(zip(rule.get_xdata(), rule.get_ydata(), strict=True))[:2] == [(1, 10), (2, 20)]
    assert axes.get_xlabel() == "retry"
    check(figure(axes))
    told = plots.backoff_text(delays, most=600, what="retry", free=0)
    assert told.startswith("3 retries.\nThe rule: 10 s, doubled") and "Before retry 1: 10.6 s." in told


def test_recorded_ones_are_legible() -> None:
    """Those of the lifecycle notebook, of a real cluster."""
    away, startup = (cases.real("lifecycle", step) for step in ("web-a isn't ready", "startup"))
    slices = away.endpoints.query("service == 'web'")
    check(figure(plots.traffic(away.traffic, slices)))
    assert "while not ready" in plots.traffic_text(away.traffic, slices)
    check(figure(plots.probes(startup.probes, startup.containers)))
    assert "3 in a row failed" in plots.probes_text(startup.probes.query("container == 'patient'"))
