"""The frame `probes`: one row for each probe that a container has answered, or of which an Event tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pandas as pd

from kitlib.frames.logs import lines
from kitlib.frames.salvage import decode
from kitlib.recording import WatchEvent

KINDS = ("startup", "readiness", "liveness")
"""Of probes, in the order in which they begin."""
UNHEALTHY = ("Unhealthy", "ProbeWarning")
COMBINED = "(combined from similar events): "
"""What the eleventh of similar Events in ten minutes, and those after it, begin with."""


class _Answer(msgspec.Struct, gc=False):
    """A line of the probe: a probe that it answered; status 0 if the kubelet waited no longer."""

    probe: str
    handler: str
    status: int
    took_ns: int


class _Probe(msgspec.Struct, gc=False):
    periodSeconds: int = 10  # noqa: N815
    timeoutSeconds: int = 1  # noqa: N815
    successThreshold: int = 1  # noqa: N815
    failureThreshold: int = 3  # noqa: N815


class _Container(msgspec.Struct, gc=False):
    name: str
    startupProbe: _Probe | None = None  # noqa: N815
    readinessProbe: _Probe | None = None  # noqa: N815
    livenessProbe: _Probe | None = None  # noqa: N815


class _Spec(msgspec.Struct, gc=False):
    containers: list[_Container] | None = None
    initContainers: list[_Container] | None = None  # noqa: N815


class _Pod(msgspec.Struct, gc=False):
    spec: _Spec


class _Reference(msgspec.Struct, gc=False):
    fieldPath: str | None = None  # noqa: N815


class _Event(msgspec.Struct, gc=False):
    involvedObject: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815


_answer = msgspec.json.Decoder(_Answer)
_pod = msgspec.json.Decoder(_Pod)
_event = msgspec.json.Decoder(_Event)
Settings = dict[tuple[str, str, str], _Probe]


def rows(
    logs: pd.DataFrame, occurrences: pd.DataFrame, pods: Iterable[WatchEvent], events: Iterable[WatchEvent]
) -> Iterator[tuple]:
    """Yield the frame's rows, in the order of its columns.

    Parameters
    ----------
    logs, occurrences : DataFrame
        The frames of these names.
    pods, events : iterable of WatchEvent
        Versions of Pods, whose specs have the probes' settings, and of Events, which name the container.
    """
    settings = _settings(pods)
    found = [*_answered(logs), *_failed(occurrences, events)]
    streaks: dict[tuple, tuple[str, int]] = {}
    for row in sorted(found, key=lambda row: (row["at"], row["seq"])):
        key = (row["source"], row["uid"], row["container"], row["run"], row["probe"])
        before, count = streaks.get(key, ("", 0))
        streak = row["times"] + (count if before == row["outcome"] else 0)
        streaks[key] = row["outcome"], streak
        about = settings.get((row["uid"], row["container"], row["probe"]))
        yield (
            *row.values(),
            streak,
            *((about.periodSeconds, about.timeoutSeconds) if about else (None, None)),
            *((about.successThreshold, about.failureThreshold) if about else (None, None)),
        )


def _answered(logs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row, said in lines(logs[logs["event"] == "probe"], _answer, '"probe"'):
        assert isinstance(said, _Answer)
        yield {
            **_where(row, row["at"].value),
            "run": row["run"],
            "source": "container",
            "probe": said.probe,
            "handler": said.handler,
            "outcome": "Success" if 200 <= said.status < 400 else "Failure",
            "status": said.status,
            "took_ns": said.took_ns,
            "times": 1,
            "message": "" if said.status else "the kubelet waited no longer",
        }


def _failed(occurrences: pd.DataFrame, events: Iterable[WatchEvent]) -> Iterator[dict[str, Any]]:
    told = occurrences[occurrences["reason"].isin(UNHEALTHY) & (occurrences["involvedObject.kind"] == "Pod")]
    wanted = set(told["uid"])
    paths = {
        row.uid: (found.involvedObject.fieldPath or "") if (found := decode(_event, row)) else ""
        for row in events
        if row.uid in wanted
    }
    for row in told.to_dict("records"):
        kind, _, rest = row["message"].removeprefix(COMBINED).partition(" probe ")
        outcome = "Unknown" if rest.startswith("errored") else "Success" if rest.startswith("warning") else "Failure"
        about = {
            "monotonic_ns": row["monotonic_ns"],
            "seq": row["seq"],
            "namespace": row["namespace"],
            "name": row["involvedObject.name"],
            "uid": row["involvedObject.uid"],
            "container": paths.get(row["uid"], "").partition("{")[2].rstrip("}"),
        }
        yield {
            **_where(about, row["latest"].value if pd.notna(row["latest"]) else row["observed_at"].value),
            "run": None,
            "source": "event",
            "probe": kind.lower(),
            "handler": "",
            "outcome": outcome,
            "status": None,
            "took_ns": None,
            "times": row["times"],
            "message": row["message"],
        }


def _where(row: Mapping[Any, Any], at: int) -> dict[str, Any]:
    return {"at": at, **{name: row[name] for name in ("monotonic_ns", "seq", "namespace", "name", "uid", "container")}}


def _settings(pods: Iterable[WatchEvent]) -> Settings:
    found: Settings = {}
    known: set[str] = set()
    for row in pods:
        if row.uid in known:  # they can't be changed
            continue
        known.add(row.uid)
        pod = decode(_pod, row)
        for each in [*(pod.spec.containers or ()), *(pod.spec.initContainers or ())] if pod else ():
            for kind in KINDS:
                if about := getattr(each, f"{kind}Probe"):
                    found[row.uid, each.name, kind] = about
    return found


__all__ = ["KINDS"]
