"""What the components of a control plane say in their logs when it does not come up."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

BAD = re.compile(r'^([EF]\d{4} |Error|error|panic|fatal)|"level":"(error|fatal|panic|ERROR)"', re.MULTILINE)
LAST = 65536
"""Bytes of each log that are looked at."""


def complaints(logs: list[Path]) -> list[str]:
    """Return the last complaint in each log, shortened: "etcd: listen tcp …: address already in use"."""
    found = []
    for log in logs:
        with contextlib.suppress(OSError):
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - LAST))
                lines = file.read().decode(errors="replace").splitlines()
            if bad := [line for line in lines if BAD.search(line)]:
                found.append(f"{log.stem}: {_short(bad[-1])}")
    return found


def _short(line: str) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        entry = json.loads(line)
        return " ".join(str(entry[key]) for key in ("msg", "error", "err") if key in entry)[:300]
    return line[:300]
