"""Clusters of their own for tests; what the tests of programs have for theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import Cluster
from tests.machine.conftest import any_go, cache, go, known, nowhere, tiny

__all__ = ["any_go", "cache", "go", "known", "nowhere", "own", "tiny"]


@pytest.fixture
def own(own_state: Path) -> Cluster:
    """A cluster of this file's own, up and whole."""
    return clusters.up("embedded", progress=False)
