"""What a fault is, and what is written down of all that passes.

Every fault is bounded in time and count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

READER = "faults-reader"
"""The user as whom requests are made: get, list and watch are all that is allowed."""
NOBODY = "faults-nobody"
"""The user who may nothing, for while the recorder is to be forbidden."""
AHEAD = 10**9
"""By so much a store's versions are shown ahead of what they are, before it is rewound."""
BROKEN = "broken.faults.kitlib.example"
"""The group of an aggregated API that doesn't work."""
LASTING = ("anonymous", "plain", "terse", "deaf", "rewind", "poison")
"""What is no harm but a way to speak, and stays to the end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to some of the answers.

    Parameters
    ----------
    kind : str
        cut, truncate, stall, split, join, duplicate, replay, delay, throttle (delay, and take no more from the server
        than was forwarded), answer, error, wait (before anything is answered), forbid (ask as somebody who may
        nothing), half (a half-written answer), garble (make a line or an item that can't be read), anonymous (take the
        uids away), plain (HTTP/1.0, without chunks), expire (a continue token), paging (lists come in pages, asked for
        or not), terse (no bookmarks), poison (each watch from the first version that was asked for ends by an ERROR),
        forgetful (a memory of so many seconds), deaf (a watch of a version that the store hasn't reached says
        nothing), rewind (versions far ahead of the store's, until it is put back); and swallow, which no scenario has:
        it loses a line without a trace, and shows that the judge notices.
    verb : str
        "list", "watch" or "discovery": which requests.
    stream : str
        The plural of a kind; any if empty.
    skip, count : int
        How many matching requests of a stream are spared first, and how many are hurt then.
    lines : int
        For watches: how many lines pass before it happens.
    at_byte : int or None
        How many bytes of the body pass before it happens (or, for split, how many are split); counts instead of lines.
    after : float or None
        Seconds after the headers when it happens at the latest, however few lines have passed.
    share : float
        Where within a line it happens.
    seconds : float
        How long (stall), how late (delay, join).
    code, retry_after : int
        Of an answer or an ERROR event.
    how : str
        How the body ends: "fin", "rst", "end" (as if it were complete), or "stay" (not at all).
    form : str
        In which form it comes; each kind that has several says which. A stall of the form "deletion" holds up a
        deletion, and then sends that by itself first; one of the form "piece" first sends a part of a line.
    """

    kind: str
    verb: str = "watch"
    stream: str = ""
    skip: int = 0
    count: int = 1
    lines: int = 0
    at_byte: int | None = None
    after: float | None = None
    share: float = 0.0
    seconds: float = 0.0
    code: int = 0
    retry_after: int = 0
    how: str = "fin"
    form: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that passed.

    Parameters
    ----------
    at : int
        Monotonic clock, ns.
    request : int
        Number of the request.
    stream, verb : str
        The plural, and "list" or "watch"; of discovery, the path.
    what : str
        request (value: the query), status (an answer of 400 or more: its code), retry (Retry-After), listed (a list was
        sent whole: its resourceVersion), line (resourceVersion, type), bookmark (resourceVersion), error (the code of
        an ERROR event), gone (the server said, in other words than 410, that its history isn't the one that was
        asked for), garbled (a line or an item: resourceVersion, type), moments (a list is of several), hurt (the kind
        of fault), refused (the recorder tried to write).
    value : object
    """

    at: int
    request: int
    stream: str
    verb: str
    what: str
    value: Any = None
