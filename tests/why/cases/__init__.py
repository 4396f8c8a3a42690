"""The cases of the corpus: each cause, made at least three ways by a seeded generator."""

from __future__ import annotations

from tests.why.cases import (
    admission,
    containers,
    controllers,
    healthy,
    jobs,
    nodes,
    scheduling,
    services,
    storage,
)
from tests.why.cases.case import CASES, Case, Making

ROOMS = (admission, containers, controllers, healthy, jobs, nodes, scheduling, services, storage)

__all__ = ["CASES", "Case", "Making"]
