"""Edits of Leases, for changes of a recording; see `tests.lessons.edits`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.lessons.edits import Object, edit, later

LEASE = ["Lease"]


def _some(stamp: object) -> object:
    """Move about half of the stamps, by what their last digits are."""
    digits = [each for each in str(stamp) if each.isdigit()]
    return later(60)(stamp) if digits and int(digits[-1]) % 2 else stamp


LEASES: dict[str, tuple[Sequence[str], Callable[[Object], bool]]] = {
    "leases are held by another": (LEASE, edit("spec.holderIdentity", lambda _: "another")),
    "leases are held by nobody": (LEASE, edit("spec.holderIdentity", lambda _: "")),
    "leases are renewed a minute earlier": (LEASE, edit("spec.renewTime", later(-60))),
    "some renewals of leases are a minute later": (LEASE, edit("spec.renewTime", _some)),
    "leases are taken a minute earlier": (LEASE, edit("spec.acquireTime", later(-60))),
}

__all__ = ["LEASES"]
