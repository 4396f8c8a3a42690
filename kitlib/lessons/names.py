"""What a lesson about names in a DNS server outside needs: what external-dns wrote there, how soon it was answered.

In: the frame `logs`, objects as they were recorded, and what clients looked up. Out: frames; a key that signs changes.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping

import msgspec
import pandas as pd

from kitlib.claims.looking import Mask, select
from kitlib.frames.covered import Covered, as_of
from kitlib.frames.logs import frame_of, lines
from kitlib.frames.origin import joined

STAGES = ("API change", "external-dns writes", "answer")
"""Where a change is to be seen, one after the other: what `followed` tells, and `figures.hops` draws."""
SAID = {"level": "str", "message": "str"}
"""Columns that `said` adds to those of the frame `logs`, and their types."""
RECORD = {"verb": "str", "record": "str", "ttl": "int64", "type": "str", "data": "str"}
"""Columns that `written` adds, and their types."""
ALGORITHM = "hmac-sha256"
"""How changes are signed."""
_RR = re.compile(r"(Adding|Removing) RR: (\S+) (\d+) (\S+) (.*)")
"""What the provider for RFC 2136 logs of each record, in external-dns 0.21."""


class _Said(msgspec.Struct, gc=False):
    """A line of external-dns, with `--log-format=json`."""

    level: str
    msg: str


_said = msgspec.json.Decoder(_Said)


def key(name: str = "lesson") -> dict[str, str]:
    """Return a new key that signs changes of a zone: what a Secret holds for a DNS server and for external-dns.

    Parameters
    ----------
    name : str
        Its name, which both must know it by.

    Returns
    -------
    dict of str to str
        `key.conf` (what BIND includes) and `secret` (base64, 256 bits).
    """
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return {"key.conf": f'key "{name}" {{ algorithm {ALGORITHM}; secret "{secret}"; }};\n', "secret": secret}


def said(logs: pd.DataFrame) -> pd.DataFrame:
    """Read what external-dns has logged, where it was told `--log-format=json`.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name.

    Returns
    -------
    DataFrame
        One row for each line of its, with the columns of `logs` and: `level` (str: "info", "warning", "error"),
        `message` (str).
    """
    found = [(row, each.level, each.msg) for row, each in lines(logs, _said, '"msg"') if isinstance(each, _Said)]
    told = frame_of(logs, (row for row, _, _ in found))
    for number, (name, dtype) in enumerate(SAID.items(), 1):
        told[name] = pd.Series([row[number] for row in found], index=told.index, dtype=dtype)
    return as_of(logs, told)


def written(logs: pd.DataFrame) -> pd.DataFrame:
    """Read which records external-dns has written, or says that it would write, where it runs dry.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name.

    Returns
    -------
    DataFrame
        One row for each record, with the columns of `said` and: `verb` (str: "Adding" or "Removing"), `record` (str:
        its name), `ttl` (int, s), `type` (str: "A", "TXT", …), `data` (str).
    """
    told = said(logs)
    found = [_RR.fullmatch(message) for message in told["message"]]
    wrote = told[[each is not None for each in found]].reset_index(drop=True)
    parts = [each.groups() for each in found if each]
    for number, name in enumerate(RECORD):
        wrote[name] = pd.Series([row[number] for row in parts], index=wrote.index, dtype="str")
    return as_of(logs, wrote.astype(RECORD))


def followed(
    changes: Mapping[str, tuple[pd.DataFrame, str, Mask]], wrote: pd.DataFrame, asked: pd.DataFrame
) -> pd.DataFrame:
    """Return when each change of an object was to be seen where: what `figures.hops` draws with `STAGES`.

    Parameters
    ----------
    changes : mapping
        What was changed, in a word or two, to: the versions of the object that have it, of which the first counts; the
        name in DNS, without a dot at its end; and which look-ups of it have the new answer.
    wrote : DataFrame
        What `written` returned.
    asked : DataFrame
        What `kitlib.frames.lookups` returned.

    Returns
    -------
    DataFrame
        One row for each change: `change`, `record` (str), `API change` (Int64, ns on the monotonic clock),
        `external-dns writes` (Int64, ns: when it first said after it that it writes that record), `answer` (Int64, ns:
        when a client first asked after it and was answered so), `seconds` (Float64: from the first to the last); NA
        where that wasn't seen.
    """
    rows = []
    for change, (since, record, so) in changes.items():
        begin = int(since["monotonic_ns"].iloc[0]) if len(since) else None
        mine, answers = wrote[wrote["record"] == record], asked[asked["asked"] == record]
        new = answers[select(answers, so).fillna(False).astype(bool)]
        times = [_first(each, begin) for each in (mine, new)]
        took = None if begin is None or times[-1] is None else (times[-1] - begin) / 1e9
        rows.append((change, record, begin, *times, took))
    types = {"change": "str", "record": "str", **dict.fromkeys(STAGES, "Int64"), "seconds": "Float64"}
    told = Covered(pd.DataFrame(rows, columns=list(types), dtype=object).astype(types), copy=False)
    told.attrs = joined([each.attrs for each in (wrote, asked)])
    return told


def _first(rows: pd.DataFrame, since: int | None) -> int | None:
    later = rows if since is None else rows[rows["monotonic_ns"] >= since]
    return int(later["monotonic_ns"].min()) if len(later) and since is not None else None


__all__ = ["ALGORITHM", "RECORD", "SAID", "STAGES", "followed", "key", "said", "written"]
