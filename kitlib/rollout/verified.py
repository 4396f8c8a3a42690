"""What `verify` found: each promise of each controller, as frames and as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from kitlib.frames import Frames
from kitlib.rollout.answer import Answer, Controller
from kitlib.rollout.contradictions import CONTRADICTIONS
from kitlib.rollout.rows import records
from kitlib.rollout.window import Gap
from kitlib.rollout.writers import Writers

_OBJECT = {"kind": "str", "namespace": "str", "name": "str", "uid": "str"}
_WHEN = {"at": "datetime64[ns, UTC]", "seconds": "float64"}
TABLE = {
    **_OBJECT,
    "promise": "str",
    "text": "str",
    "kept": "boolean",
    "tested": "int64",
    "breaches": "int64",
    "why": "str",
}
"""The columns of `Verified.table`, with their dtypes."""
BROKEN = {
    **_OBJECT,
    "promise": "str",
    **_WHEN,
    "resourceVersion": "int64",
    "object": "str",
    "value": "Int64",
    "bound": "Int64",
    "text": "str",
    "by": "str",
}
"""The columns of `Verified.breaches`, with their dtypes."""
CONTRADICTED = {**_OBJECT, **_WHEN, **CONTRADICTIONS}
"""The columns of `Verified.contradictions`, with their dtypes."""

BEGIN = list(CONTRADICTIONS).index("begin_ns")


@dataclass(eq=False)
class Finding:
    """What is known of one controller's promises.

    Parameters
    ----------
    answer : Answer
        Whether each was kept.
    contradictions : list of tuple
        Where its status and what it counts contradict each other, in the order of `CONTRADICTIONS`.
    gaps : list of Gap
        What was not recorded of what it rests on, each by itself.
    silent : str
        Why it promises nothing, if it doesn't; else empty.
    """

    answer: Answer
    contradictions: list[tuple]
    gaps: list[Gap]
    silent: str = ""


@dataclass(eq=False)
class Verified:
    """What `verify` found.

    Parameters
    ----------
    findings : list of Finding
        One for each controller, also of those that are gone.
    unrecorded : list of str
        Kinds that promise something and that nobody recorded: whether any was there isn't known.
    begin_ns : int
        When the recording begins, monotonic ns.
    begun_at : Timestamp
        The same on the wall clock.
    frames : Frames
        Of the recording: who wrote what is looked up there.
    """

    findings: list[Finding]
    unrecorded: list[str]
    begin_ns: int
    begun_at: pd.Timestamp
    frames: Frames = field(repr=False)

    @property
    def kept(self) -> bool | None:
        """False if a promise was broken or a status contradicts what is there; None if none can be told; else True.

        It is True also where other promises can't be told: `table` says which.
        """
        if len(self.contradictions):
            return False
        told = [each.answer.kept for each in self.findings]
        return False if False in told else True if self.table["kept"].any() else None

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each promise.

        Its columns: kind, namespace, name, uid, promise and text (str), kept (boolean; NA: it can't be told), tested
        and breaches (int64), why (str: why it can't be told; empty where it can).
        """
        rows = []
        for each in self.findings:
            for promise, text, kept, tested, breaches in each.answer.lines():
                why = "" if kept is not None else self._why(each, tested > 0)
                rows.append([*_about(each.answer.controller), promise, text, kept, tested, breaches, why])
        columns = [*_OBJECT, "promise", "text", "kept", "tested", "breaches", "why"]
        return pd.DataFrame(rows, columns=columns).astype(TABLE)[list(TABLE)]

    @cached_property
    def breaches(self) -> pd.DataFrame:
        """One row for each time that a promise was broken.

        Its columns: kind, namespace, name, uid, promise (str), at (datetime64[ns, UTC]: receipt), seconds (float64, s:
        since the recording's begin), resourceVersion (int64: of the write that broke it), object (str: what was
        written), value and bound (Int64: what was counted, and what was promised; NA where it isn't a number), text
        (str), by (str: who wrote it; empty where nothing tells).
        """
        broken = [(each.answer.controller, row) for each in self.findings for row in each.answer.rows]
        who = Writers(self.frames, {str(row[3]) for _, row in broken})
        rows = [
            [*_about(meant), promise, *self._when(at), version, name, value, bound, text,
             who.by(meant.namespace, name, version, at)]
            for meant, (promise, at, version, name, value, bound, text) in broken
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(BROKEN)).astype(BROKEN)

    @cached_property
    def contradictions(self) -> pd.DataFrame:
        """One row for each contradiction between a status and what is there.

        Its columns: kind, namespace, name, uid (str), at (datetime64[ns, UTC]), seconds (float64, s: since the
        recording's begin), and those of the function `contradictions`.
        """
        rows = [
            [*_about(each.answer.controller), *self._when(row[BEGIN]), *row]
            for each in self.findings
            for row in each.contradictions
        ]
        return pd.DataFrame(rows, columns=list(CONTRADICTED)).astype(CONTRADICTED)

    def _when(self, at: int) -> tuple[pd.Timestamp, float]:
        return self.begun_at + pd.Timedelta(at - self.begin_ns, "ns"), (at - self.begin_ns) / 1e9

    def _why(self, finding: Finding, tested: bool) -> str:
        """Say why a promise can't be told."""
        if finding.silent:
            return finding.silent
        absent = [gap.kind for gap in finding.gaps if gap.reason.endswith("not recorded")]
        if absent:
            return f"{' and '.join(dict.fromkeys(absent))} not recorded"
        gaps = finding.answer.gaps
        if not gaps:
            return "nothing has put it to the test"
        if gaps[0].kind == "Service":
            return gaps[0].reason
        told = [f"{self._when(gap.after)[1]:.1f}–{self._when(gap.until)[1]:.1f} s ({gap.reason})" for gap in gaps]
        more = f", and {len(told) - 3} more" if len(told) > 3 else ""
        seen = "; outside of it they were kept" if tested else ""
        return f"a gap of {gaps[0].kind or 'everything'} at {', '.join(told[:3])}{more}{seen}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values: what `kitlib verify --output json` writes."""
        table, broken, contradicted = self.table, self.breaches, self.contradictions
        said = {True: "kept", False: "broken"}
        objects = []
        for each in self.findings:
            meant = each.answer.controller
            mine, own = (records(frame[frame["uid"] == meant.uid]) for frame in (table, broken))
            promises = [
                {
                    "promise": row["promise"],
                    "text": row["text"],
                    "verdict": "unknown" if pd.isna(row["kept"]) else said[bool(row["kept"])],
                    "tested": row["tested"],
                    "why": row["why"],
                    "breaches": [_plain(line) for line in own if line["promise"] == row["promise"]],
                }
                for row in mine
            ]
            against = records(contradicted[contradicted["uid"] == meant.uid])
            about = {"kind": meant.kind, "namespace": meant.namespace, "name": meant.name, "uid": meant.uid}
            objects.append({**about, "promises": promises, "contradictions": [_plain(line) for line in against]})
        counts = {
            "kept": int((table["kept"] == True).sum()),  # noqa: E712 - NA is neither
            "broken": int((table["kept"] == False).sum()),  # noqa: E712
            "unknown": int(table["kept"].isna().sum()),
            "contradictions": len(contradicted),
        }
        return {"kept": self.kept, "counts": counts, "unrecorded": self.unrecorded, "objects": objects}


def _about(meant: Controller) -> list[str]:
    return [meant.kind, meant.namespace, meant.name, meant.uid]


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row without what says whose it is, as values that JSON has."""
    kept = {str(key): value for key, value in row.items() if key not in (*_OBJECT, "promise")}
    kept["at"] = pd.Timestamp(kept["at"]).isoformat()
    kept["seconds"] = round(kept["seconds"], 6)
    return {key: None if pd.isna(value) else value for key, value in kept.items()}


__all__ = ["BROKEN", "CONTRADICTED", "TABLE", "Finding", "Verified"]
