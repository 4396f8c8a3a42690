"""The ways to bring up a cluster."""

from __future__ import annotations

from kitlib.cluster.base import Provider
from kitlib.cluster.embedded.provider import Embedded
from kitlib.cluster.kind.provider import Kind
from kitlib.errors import UsageError

PROVIDERS: dict[str, Provider] = {"kind": Kind(), "embedded": Embedded()}
"""In the order of preference."""


def named(name: str) -> Provider:
    """Return a provider by its name; UsageError if there is none of that name."""
    if name not in PROVIDERS:
        raise UsageError(
            f"there is no provider {name!r}.", step="choose a provider", next=f"use one of: {', '.join(PROVIDERS)}"
        )
    return PROVIDERS[name]


def of(cluster: str) -> Provider:
    """Return the provider of a cluster by the cluster's name, such as "embedded-1.37"."""
    return named(cluster.partition("-")[0])
