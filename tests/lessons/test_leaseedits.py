"""A change of Leases changes who holds them, or when they were renewed, and nothing else."""

from __future__ import annotations

import copy

import pytest

from tests.lessons.leaseedits import LEASES

LEASE = {
    "kind": "Lease",
    "spec": {
        "holderIdentity": "a",
        "renewTime": "2026-12-01T02:59:41.542433Z",
        "acquireTime": "2026-12-01T02:59:29.745552Z",
    },
}


@pytest.mark.parametrize(
    ("name", "field", "after"),
    [
        ("leases are held by another", "holderIdentity", "another"),
        ("leases are held by nobody", "holderIdentity", ""),
        ("leases are renewed a minute earlier", "renewTime", "2026-12-01T02:58:41.542433Z"),
        ("some renewals of leases are a minute later", "renewTime", "2026-12-01T03:00:41.542433Z"),
        ("leases are taken a minute earlier", "acquireTime", "2026-12-01T02:58:29.745552Z"),
    ],
)
def test_one_field_is_another(name: str, field: str, after: str) -> None:
    kinds, change = LEASES[name]
    lease = copy.deepcopy(LEASE)
    assert kinds == ["Lease"] and change(lease)
    assert lease == {**LEASE, "spec": {**LEASE["spec"], field: after}}  # type: ignore[dict-item]


def test_about_half_of_the_renewals_stay_as_they_are() -> None:
    _, change = LEASES["some renewals of leases are a minute later"]
    lease = {"spec": {"renewTime": "2026-12-01T02:59:41.542432Z"}}
    assert not change(lease)
