"""Commands that run in the tests' own process."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from kitlib.cli import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in this process, with places of its own."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])
