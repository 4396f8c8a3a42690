"""What a recorder asked that it should not have: too early, too often, or in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.faults.proxy import Seen


def impatience(log: Iterable[Seen], grace: float = 0.05, most: int = 60) -> list[str]:
    """Name the streams that asked again before the time that Retry-After names, or asked without end."""
    wrong = []
    until: dict[str, tuple[int, int]] = {}
    counted: Counter[str] = Counter()
    for seen in log:
        if not seen.stream:
            continue
        if seen.what == "request":
            counted[seen.stream] += 1
            not_before, seconds = until.pop(seen.stream, (0, 0))
            if seen.at < not_before - int(grace * 1e9):
                early = (not_before - seen.at) / 1e9
                wrong.append(f"{seen.stream} asked again {early:.2f} s before Retry-After: {seconds} was over")
        elif seen.what == "retry":
            until[seen.stream] = (seen.at + int(seen.value * 1e9), seen.value)
    return wrong + [f"{stream} sent {count} requests" for stream, count in counted.items() if count > most]


def hurry(log: Iterable[Seen], failures: int = 5, pause: float = 0.2) -> list[str]:
    """Name the streams that hurried a server in trouble: after so many refusals in a row they asked again at once."""
    wrong: dict[str, str] = {}
    counted: Counter[str] = Counter()
    refused: dict[str, int] = {}
    for seen in log:
        if seen.what == "status" and seen.value >= 500:
            counted[seen.stream] += 1
            refused[seen.stream] = seen.at
        elif seen.what in ("line", "bookmark", "listed"):
            counted[seen.stream] = 0
        elif seen.what == "request":
            waited = (seen.at - refused.pop(seen.stream, 0)) / 1e9
            if counted[seen.stream] >= failures and waited < pause:
                wrong[seen.stream] = f"{seen.stream} asked again {waited:.2f} s after refusal {counted[seen.stream]}"
    return list(wrong.values())


def stubborn(log: Iterable[Seen]) -> list[str]:
    """Name the streams that asked again for a history of which the server had said that it isn't there."""
    wrong = []
    asked: dict[int, int] = {}
    gone: dict[str, int] = {}
    for seen in log:
        if seen.verb != "watch" and seen.what != "listed":
            continue
        if seen.what == "request":
            version = int(seen.value.get("resourceVersion", "") or 0)
            asked[seen.request] = version
            if version and version == gone.get(seen.stream):
                wrong.append(f"{seen.stream} asked again for the history after {version}, which is gone")
        elif seen.what == "listed":
            gone.pop(seen.stream, None)
        elif seen.what == "gone" or (seen.what in ("status", "error") and seen.value == 410):
            gone[seen.stream] = asked.get(seen.request, -1)
    return wrong
