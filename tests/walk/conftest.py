"""What walks are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with no notebook yet."""
    (tmp_path / "notebooks" / "manifests").mkdir(parents=True)
    (tmp_path / "notebooks" / "manifests" / "web.yaml").write_text("kind: Deployment\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nnav:\n  - index.md\n  - Learn: [notebooks/one.ipynb]\n")
    return tmp_path
