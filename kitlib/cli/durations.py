"""How long something may take, as a person writes it, and as kubectl and Go do."""

from __future__ import annotations

import math
import re

import typer

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def lasting(text: str | float) -> float:
    """Return seconds: of a plain number, or of numbers with a unit each, as in 90s, 1m30s, 1.5h and 500ms.

    Raises
    ------
    typer.BadParameter
        If it is no length of time, or none at all.
    """
    written = str(text).strip()
    try:
        seconds = float(written)
    except ValueError:
        parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", written)
        whole = "".join(number + unit for number, unit in parts) == written
        seconds = sum(float(number) * SECONDS[unit] for number, unit in parts) if parts and whole else math.nan
    if not (seconds > 0 and math.isfinite(seconds)):
        raise typer.BadParameter(f"{written!r} is no length of time: write seconds, or 90s, 1m30s, 2h")
    return seconds
