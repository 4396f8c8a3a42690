"""The table of causes: every group's rows, and who looks for them."""

from __future__ import annotations

from kitlib.rollout.why import (
    admission,
    autoscaling,
    configuration,
    controllers,
    crashes,
    images,
    jobs,
    nodes,
    readiness,
    scheduling,
    services,
    storage,
)
from kitlib.rollout.why.cause import Cause, Group

GROUPS: tuple[Group, ...] = (
    admission.GROUP,
    scheduling.GROUP,
    storage.GROUP,
    nodes.GROUP,
    images.GROUP,
    configuration.GROUP,
    crashes.GROUP,
    readiness.GROUP,
    controllers.GROUP,
    services.GROUP,
    jobs.GROUP,
    autoscaling.GROUP,
)
"""All groups, in the order in which a Pod meets them."""
CAUSES: tuple[Cause, ...] = tuple(cause for group in GROUPS for cause in group.causes)
"""All rows of the table."""

__all__ = ["CAUSES", "GROUPS"]
