"""Gaps for which there was no cause."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tests.faults.judge.evidence import watched
from tests.faults.judge.marks import Gap, Passed
from tests.faults.proxy import Seen


def permitted(log: Iterable[Seen]) -> dict[str, list[tuple[int | None, int | None]]]:
    """Return, by stream, where a gap may be: from what version asked for, to what version listed (None: still open).

    A 410 to a watch (by its status or an ERROR event) permits one, which ends at a list that was made after it and
    before the next watch from that list. So does what says the same in other words, or a third ERROR in a row that
    nothing came between. So does being forbidden or not served (403, 404, 405), which needs no list.
    """
    errors: Counter[str] = Counter()
    found: dict[str, list[tuple[int | None, int | None]]] = defaultdict(list)
    asked: dict[str, int] = {}
    asked_of: dict[int, int] = {}
    expired: dict[str, int] = {}
    listed: dict[str, list[int]] = defaultdict(list)
    for seen in log:
        stream = seen.stream
        if seen.what == "request" and seen.verb == "watch":
            version = seen.value.get("resourceVersion", "")
            if version.isdecimal() and int(version) > 0 and "sendInitialEvents" not in seen.value:
                asked[stream] = asked_of[seen.request] = int(version)
                if any(one <= int(version) for one in listed[stream]):
                    expired.pop(stream, None)
                    listed[stream].clear()
        if seen.what in ("line", "bookmark", "listed"):
            errors[stream] = 0
        elif seen.what == "error":
            errors[stream] += 1
        gone = seen.what in ("status", "error") and seen.value == 410 and seen.verb == "watch"
        if gone or seen.what == "gone" or (seen.what == "error" and errors[stream] >= 3):
            expired[stream] = asked_of.get(seen.request, 0)
            listed[stream].clear()
            found[stream].append((expired[stream], None))  # as long as it is open
        elif seen.what == "listed" and stream in expired:
            listed[stream].append(seen.value)
            found[stream].append((expired[stream], seen.value))
        elif seen.what in ("status", "error") and seen.value in (403, 404, 405):
            found[stream].append((None, None))
    return found


def needless(found: Iterable[Gap], rows: Sequence[Any], log: Sequence[Seen]) -> list[str]:
    """Name the gaps that were reported where nothing could be missing, and those that reach back too far."""
    allowed = permitted(log)
    wrong = []
    for gap in found:
        if gap.until is not None and gap.until == gap.after:
            wrong.append(f"{gap} is empty")
            continue
        for asked, listed in allowed.get(gap.stream, ()):
            if asked is None or (gap.until == listed and gap.after >= asked):
                break
        else:
            wrong.append(f"{gap}: the server had not said that history was gone")
            continue
        before = [int(row.resourceVersion) for row in rows[: gap.row] if watched(row) and row.stream == gap.stream]
        if before and max(before) > gap.after:
            wrong.append(f"{gap} reaches back behind {max(before)}, which had been recorded")
    return wrong


def unfounded(passed: Iterable[Passed], log: Sequence[Seen]) -> list[str]:
    """Name gaps in time for which there was no cause."""
    causes = [seen for seen in log if seen.what in ("garbled", "moments")]
    return [
        f"{each}: all could be read"
        for each in passed
        if not any(seen.stream == each.stream and each.holds(seen.at) for seen in causes)
    ]
