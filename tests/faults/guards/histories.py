"""Guards of history: where it isn't what it was, that is noticed."""

from __future__ import annotations

from tests.faults.guards.guard import CHANGES, HISTORY, LIFE, REFLECTOR, Guard

HISTORIES = (
    Guard(
        "a history that is gone is listed anew",
        REFLECTOR,
        '    if code == 410 or reason in ("Expired", "Gone"):',
        "    if code == -1:",
        ("error 410", "answer 410"),
    ),
    Guard(
        "a list after a gap says that there was one",
        REFLECTOR,
        "            if not first and version != self.history.version:",
        "            if version == -1:",
        ("error 410", "answer 410"),
    ),
    Guard(
        "a store that stands behind what was seen was put back",
        REFLECTOR,
        "        if behind:\n",
        "        if behind is None:\n",
        ("store put back",),
    ),
    Guard(
        "a version that is too large is given up",
        REFLECTOR,
        'if "ResourceVersionTooLarge" in causes or "too large resource version" in message.lower():',
        "if code == -1:",
        ("too large",),
    ),
    Guard(
        "an ERROR that ends each watch from there is not tried for ever",
        REFLECTOR,
        "and self._failures >= STUCK:",
        "and self._failures < 0:",
        ("error without a code",),
    ),
    Guard(
        "a Status over several lines is one",
        CHANGES,
        "                if status := status_of(pending):\n",
        "                if status := status_of([]):\n",
        ("status over lines",),
    ),
    Guard(
        "a list whose tokens expire is taken whole",
        REFLECTOR,
        "                if not whole:  # one page then",
        "                if whole is None:  # one page then",
        ("tokens expire",),
    ),
    Guard(
        "a list of two moments says so",
        REFLECTOR,
        "            if moments > 1:\n",
        "            if moments < 0:\n",
        ("list of moments",),
    ),
    Guard(
        "a quiet kind keeps up with the store",
        REFLECTOR,
        "                self._reached(max(store or 0, version or 0), clock.monotonic_ns(), force=True)",
        "                pass",
        ("quiet",),
    ),
    Guard(
        "only the server's own end at its time proves that nothing was written",
        REFLECTOR,
        "if stream.complete and quiet and time.monotonic() - began >= self.timeouts.watch_seconds:",
        "if stream.complete and quiet:",
        ("hold and end",),
    ),
    Guard(
        "a line that can't be read doesn't stop its kind",
        CHANGES,
        "                pending.append(line)\n",
        "                raise\n",
        ("garbled line",),
    ),
    Guard(
        "a version that is no number doesn't stop its kind",
        CHANGES,
        "    except (msgspec.MsgspecError, ValueError) as error:",
        "    except msgspec.MsgspecError as error:",
        ("garbled line", "garbled item"),
    ),
    Guard(
        "a line that can't be read is named",
        REFLECTOR,
        "            self._left_out(change, at[1])\n            return\n",
        "            return\n",
        ("garbled line",),
    ),
    Guard(
        "a line that reads like one before is named, too",
        LIFE,
        "        self._point(self._known_ns if since_ns is None else since_ns, ",
        "        if self.history.is_new(change):\n"
        "            self._point(self._known_ns if since_ns is None else since_ns, ",
        ("garbled line",),
        (595, 673),
    ),
    Guard(
        "an item of a list that can't be read is named",
        REFLECTOR,
        "                self._left_out_of_list(change, at[1], since)\n",
        "                pass\n",
        ("garbled item",),
    ),
    Guard(
        "objects without a uid are kept apart",
        "recording/row.py",
        '        return self.uid or f"{self.namespace}/{self.name}"',
        "        return self.uid",
        ("no uid",),
    ),
    Guard(
        "nothing is recorded twice",
        REFLECTOR,
        'if change.type != "BOOKMARK" and self.history.is_new(change):',
        'if change.type != "BOOKMARK":',
        ("duplicate", "replay and cut"),
    ),
    Guard(
        "a deletion is known when it comes again",
        HISTORY,
        "            return change.version > self._gone.get(identity, -1)",
        "            return True",
        ("duplicate", "replay and cut"),
    ),
)
