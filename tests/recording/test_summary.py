"""What `kitlib show` says: streams, their coverage as a timeline, rows, size, and why something isn't covered."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kitlib.recording import Recording
from kitlib.recording.summary import described, summary, timeline

SECOND = 1_000_000_000


def part(begin: float, end: float, covered: bool) -> dict:
    return {"begin_ns": int(begin * SECOND), "end_ns": int(end * SECOND), "covered": covered}


def test_a_gap_is_drawn_however_short_it_is() -> None:
    parts = [part(0, 50, True), part(50, 50.01, False), part(50.01, 100, True)]
    assert timeline(parts, 0, 100 * SECOND, 10) == "█████░████"


def test_what_nobody_speaks_of_is_blank() -> None:
    assert timeline([part(50, 100, True)], 0, 100 * SECOND, 10) == "     █████"


def test_a_recording_in_short(tmp_path: Path) -> None:
    with Recording.create(tmp_path / "r", {"cluster": "c", "release": "v1"}) as recording:
        recording.mark("STREAM", "Pod", stream="pods", kind="Pod", api_version="v1", namespace="n")
        recording.mark("LISTED", "Pod", stream="pods", kind="Pod", rv="1")
        raw = json.dumps({"metadata": {"name": "p", "uid": "u", "resourceVersion": "1"}}).encode()
        recording.add(raw, kind="Pod", api_version="v1", type="ADDED", origin="list", stream="pods")
        mark = recording.mark("REFUSED", "Event", stream="events", kind="Event", code=403, reason="no")
        gap = {"after_ns": mark.monotonic_ns, "until_ns": None, "after_rv": None, "until_rv": None}
        recording.mark("GAP", "Event", stream="events", kind="Event", **gap, reason="403: not for you")
    about = summary(Recording.open(tmp_path / "r"))
    assert about["objects"] == {"Pod": 1} and about["bytes"] > 0 and about["complete"]
    assert [(each["stream"], each["rows"], each["namespace"]) for each in about["streams"]] == [
        ("pods", 1, "n"),
        ("events", 0, ""),
    ]
    text = described(about)
    assert "of c v1" in text and "403: not for you" in text and "1 Pod" in text
    assert "| 1 row\n" in text and "| 0 rows" in text
    assert " kB on the disk" in text and "0.0 MB" not in text, "a small one has a size, too"
    for begin, end in re.findall(r"not covered (\S+)–(\S+) s", text):
        assert begin != end, "a short gap has a length, too"
    assert re.search(r"not covered (at )?\d", text)
    json.dumps(about)
