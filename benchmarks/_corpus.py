"""Objects to measure with: those of the tests' recording over and over, each time with other names, uids and stamps.

The recording is one run of the Deployment notebook on a real control plane: Pods, ReplicaSets, Deployments and Events,
from their making on. Copy n of it says the same about other objects at a later time: whatever tells two runs apart
(uids, resourceVersions, namespaces, the random ends of names, IP addresses, stamps) is replaced, the same by the same,
so that bytes compress and frames group as those of so many real runs would. The recording ends before the notebook's
namespace is removed; so that objects don't pile up, a row DELETED is added for each that is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from pathlib import Path

from kitlib.recording import Recording

RECORDED = Path(__file__).resolve().parent.parent / "tests" / "data" / "deployment"
PLURALS = {
    "Pod": "pods",
    "Event": "events",
    "ReplicaSet": "replicasets",
    "Deployment": "deployments",
    "ReplicationController": "replicationcontrollers",
}
LETTERS = b"bcdfghjklmnpqrstvwxz2456789"  # what Kubernetes makes random ends of names from
FIRST = 1000
"""All resourceVersions are higher."""
KEYS = {
    b"u": (8, re.compile(rb"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")),
    b"t": (10, re.compile(rb"T\d\d:\d\d:\d\d(\.\d+)?Z")),
    b"v": (-len('"resourceVersion":"'), re.compile(rb'"resourceVersion":"\d+')),
    b"a": (0, re.compile(rb"10\.128\.\d+\.\d+")),
    b"x": (0, re.compile(rb"\.[0-9a-f]{16}(?=\")")),  # the end of an Event's name
    b"n": (0, re.compile(rb"kube-api-access-[a-z0-9]{5}")),
}
"""What tells two runs apart: the letter that begins the key, and how it is recognised, by what is rare in it (which is
fast; the number says how many bytes earlier it begins). Names (n) are added to them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A recorded row whose object is cut at whatever differs between two runs.

    Parameters
    ----------
    kind, plural, type : str
        "Pod", "pods", "MODIFIED".
    version : int
        Its resourceVersion in the recording.
    pieces : tuple of bytes
        The object: what stays, a key that `Copy` replaces, what stays, …
    added : bool
        Whether it is one of the rows that the recording lacks: see above.
    """

    kind: str
    plural: str
    type: str
    version: int
    pieces: tuple[bytes, ...]
    added: bool = False


class Copy(dict[bytes, bytes]):
    """What stands for each key in copy `number`; made when it is first asked for.

    Parameters
    ----------
    number : int
        0, 1, 2, …: later copies have later stamps and higher resourceVersions.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def __missing__(self, key: bytes) -> bytes:
        made = self[key] = self._make(key[:1], key[1:])
        return made

    def body(self, row: Row) -> bytes:
        """Return the object of a row."""
        pieces = list(row.pieces)
        pieces[1::2] = map(self.__getitem__, pieces[1::2])
        return b"".join(pieces)

    def version(self, recorded: int) -> int:
        """Return the resourceVersion for one in the recording."""
        return FIRST + self.number * span() + recorded

    def _make(self, what: bytes, old: bytes) -> bytes:
        if what == b"v":
            return str(self.version(int(old))).encode()
        if what == b"t":
            moved = datetime.fromisoformat(old[:19].decode()) + timedelta(minutes=10 * self.number)
            return moved.isoformat().encode() + old[19:]
        # As good as random, and the same whatever was made before: another watch speaks of the same objects.
        draw = blake2b(b"%d %s" % (self.number, old), digest_size=16)
        if what == b"u":
            text = draw.hexdigest()
            return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}".encode()
        if what == b"x":
            return b"." + draw.hexdigest()[:16].encode()
        one, two, three, *more = draw.digest()
        if what == b"a":
            return b"10.%d.%d.%d" % (128 + one % 64, two, 1 + three % 254)
        return old[:-5] + bytes(LETTERS[each % len(LETTERS)] for each in more[:5])


@cache
def recorded() -> tuple[Row, ...]:
    """Return the recording's rows, cut, and those that it lacks; marks of kitlib's own are left out."""
    rows = [row for row in Recording.open(RECORDED).rows if row.kind in PLURALS]
    names = {row.name.encode() for row in rows if row.kind == "Pod"} | {row.namespace.encode() for row in rows}
    cut = [
        Row(row.kind, PLURALS[row.kind], row.type, int(row.resourceVersion), _pieces(row.object, names)) for row in rows
    ]
    left = {row.uid: each for row, each in zip(rows, cut, strict=True)}
    highest = max(row.version for row in cut)
    for number, last in enumerate((row for row in left.values() if row.type != "DELETED"), 1):
        own = b"v%d" % last.version
        pieces = tuple(b"v%d" % (highest + number) if piece == own else piece for piece in last.pieces)
        cut.append(Row(last.kind, last.plural, "DELETED", highest + number, pieces, added=True))
    return tuple(cut)


def _pieces(body: bytes, names: set[bytes]) -> tuple[bytes, ...]:
    found = [
        (match.start() - before, match.end(), what)
        for what, (before, known) in KEYS.items()
        for match in known.finditer(body)
    ]
    found += [(*match.span(), b"n") for name in names if name in body for match in re.finditer(re.escape(name), body)]
    pieces, end = [], 0
    for begin, after, what in sorted(found):
        if begin >= end:
            pieces += [body[end:begin], what + body[begin:after]]
            end = after
    return (*pieces, body[end:])


@cache
def span() -> int:
    """Return how far a copy's resourceVersions lie behind those of the copy before."""
    return max(row.version for row in recorded()) + 1


def rows(count: int, kind: str | None = None, after: int = 0) -> Iterator[tuple[Row, bytes]]:
    """Yield the first `count` rows of copy after copy with the object of each.

    Parameters
    ----------
    count : int
        How many rows there are of all kinds together.
    kind : str, optional
        Yield only its rows.
    after : int
        Yield only those with a higher resourceVersion.
    """
    yield from _copies(recorded(), count, kind, after)


def updates(count: int, kind: str, after: int = 0) -> Iterator[tuple[Row, bytes]]:
    """Yield the first `count` rows of one kind, just as they were recorded."""
    yield from _copies([row for row in recorded() if row.kind == kind and not row.added], count, kind, after)


def _copies(once: Sequence[Row], count: int, kind: str | None, after: int) -> Iterator[tuple[Row, bytes]]:
    wanted = [(index, row) for index, row in enumerate(once) if kind in (None, row.kind)]
    number = max(0, (after - FIRST) // span())
    while number * len(once) < count:
        copy = Copy(number)
        for index, row in wanted:
            if number * len(once) + index >= count:
                return
            if copy.version(row.version) > after:
                yield row, copy.body(row)
        number += 1


def pods(count: int) -> Iterator[bytes]:
    """Yield Pods as they stand in a list: each of its own name, in one of the recorded states of a Pod's life."""
    once = [row for row in recorded() if row.kind == "Pod" and row.type != "DELETED"]
    for number in range(count):
        body = Copy(number).body(once[number % len(once)])
        yield body.replace(b'"kind":"Pod","apiVersion":"v1",', b"", 1)  # items of a list don't say what they are
