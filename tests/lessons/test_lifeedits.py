"""What a container logs of its own life is changed, and nothing else; it turns the claims that stand on it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from kitlib.recording import WatchEvent
from tests.lessons.lifeedits import EVENTS, LIFE
from tests.lessons.mutants import one, rows_of
from tests.lessons.test_mutants import wanted

MINUTE = 60_000_000_000
AT = {"wall_ns": 10 * MINUTE, "mono_ns": 2 * MINUTE}
BEGIN = AT | {"event": "hook", "hook": "welcome", "phase": "begin"}
END = AT | {"event": "hook", "hook": "welcome", "phase": "end", "code": 0}
PROBE = AT | {"event": "probe", "probe": "startup", "status": 503}
SIGNAL = AT | {"event": "signal", "signal": 15}
LATER = {"wall_ns": 11 * MINUTE, "mono_ns": 3 * MINUTE}
EARLIER = {"wall_ns": 9 * MINUTE, "mono_ns": MINUTE}
MOMENT = {name: at + 2_000_000 for name, at in LATER.items()}
"""Two milliseconds after that."""
NO_LINE = "not JSON at all"
EDITS: list[tuple[str, list[Any], list[Any]]] = [
    ("hooks end a minute later", [BEGIN, END], [BEGIN, END | LATER]),
    ("no hook ends", [BEGIN, END], [BEGIN]),
    ("each hook ends with another code", [BEGIN, END], [BEGIN, END | {"code": 1}]),
    ("each hook has another name", [BEGIN, PROBE], [BEGIN | {"hook": "other"}, PROBE]),
    ("each signal is another", [SIGNAL, END], [SIGNAL | {"signal": 2}, END]),
    ("each probe passes", [PROBE, END], [PROBE | {"status": 200}, END]),
    ("each probe fails", [PROBE | {"status": 200}], [PROBE]),
    ("each probe is of another kind", [PROBE, END], [PROBE | {"probe": "readiness"}, END]),
    (
        "each start comes when the first hook has ended",
        [AT | {"event": "start"}, BEGIN, END | LATER],
        [MOMENT | {"event": "start"}, BEGIN, END | LATER],
    ),
    (
        "each hook comes when its container listens",
        [END, LATER | {"event": "listen"}],
        [END | MOMENT, LATER | {"event": "listen"}],
    ),
    (
        "each hook is called before each end",
        [END, LATER | {"event": "exit"}],
        [END, END | {name: at - 1 for name, at in LATER.items()}, LATER | {"event": "exit"}],
    ),
]
for event in EVENTS:
    told, other = AT | {"event": event}, AT | {"event": "other"}
    EDITS += [
        (f"no {event} is told of", [told, other], [other]),
        (f"each {event} comes a minute later", [told, other], [told | LATER, other]),
        (f"each {event} comes a minute earlier", [told, other], [told | EARLIER, other]),
    ]
PLANTED = [
    ("hooks", "each hook is called before each end", "Its preStop hook is carried out before"),
    ("hooks", "each signal is another", "A postStart hook that fails kills its container"),
    ("hooks", "no hook ends", "preStop blocks: SIGTERM is sent when the hook is done"),
    ("lifecycle", "each probe is of another kind", "Until the startup probe has passed, no other is asked"),
]


def logged(said: list[Any]) -> WatchEvent:
    """Return a row of what a container logged, as a recorder writes it."""
    model = next(row for row in rows_of("hooks") if row.origin == "log")
    lines = [f"stamp {line if isinstance(line, str) else json.dumps(line)}" for line in [*said, NO_LINE]]
    told = {"metadata": {"name": "a", "uid": "a/web/0"}, "container": "web", "run": 0, "begin": 0, "lines": lines}
    return WatchEvent(
        *[
            {"name": "a", "object": json.dumps(told).encode()}.get(field, getattr(model, field))
            for field in model.__struct_fields__
        ]
    )


@pytest.mark.parametrize(("name", "before", "after"), EDITS)
def test_what_is_logged_becomes_something_else(name, before, after):
    (row,) = LIFE[name]([logged(before)], random.Random(1))
    lines = [line.removeprefix("stamp ") for line in json.loads(row.object)["lines"]]
    assert [json.loads(line) for line in lines[:-1]] == after
    assert lines[-1] == NO_LINE


def test_each_change_is_tried():
    assert {name for name, *_ in EDITS} == {*LIFE}


@pytest.mark.parametrize("name", LIFE)
def test_what_is_no_log_stays(name):
    rows = [row for row in rows_of("hooks") if row.origin != "log"]
    assert LIFE[name](rows, random.Random(1)) == rows


@pytest.mark.parametrize(("lesson", "name", "text"), PLANTED)
def test_another_life_turns_a_claim(lesson, name, text):
    found = one((lesson, f"logs: {name}", [text]))
    assert found is not None, "this changes nothing"
    assert found[text] not in ("unknown", wanted(lesson, text))
