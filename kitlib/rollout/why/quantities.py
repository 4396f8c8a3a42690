"""Quantities as Kubernetes writes them: "500m", "2Gi"."""

from __future__ import annotations

import re

_FORM = re.compile(r"([+-]?\d+(?:\.\d*)?|\.\d+)(m|u|n|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei|[eE][+-]?\d+)?")
_FACTORS = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTORS |= {f"{sign}i": 1024.0**power for power, sign in enumerate("KMGTPE", 1)}


def amount(text: str) -> float | None:
    """Return a quantity as a number; None if it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    suffix = found[2] or ""
    return float(found[1]) * _FACTORS[suffix] if suffix in _FACTORS else float(f"{found[1]}{suffix}")


__all__ = ["amount"]
