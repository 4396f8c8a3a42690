"""kind: an engine counts only if it answers; kitlib says that it is preferred, and that it can't make one yet."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib.cluster import kind
from kitlib.errors import ClusterError, UsageError

from .test_toolchain import script


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of clients that is all of PATH, but for a shell."""
    folder = tmp_path / "clients"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_none_is_installed(clients: Path) -> None:
    assert kind.Kind().available() == (False, "no container engine answers")
    assert clusters.choose().why.startswith("embedded: no container engine answers, and it needs none")


def test_a_client_without_an_engine_does_not_count(clients: Path) -> None:
    path = script(clients, "docker", "")
    path.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    there, why = kind.Kind().available()
    assert not there
    assert "docker: Cannot connect" in why


def test_an_engine_that_answers_is_preferred_once_kind_can_be_made(clients: Path) -> None:
    script(clients, "podman", "6.12.0")
    chosen = clusters.choose()
    assert chosen.provider == "embedded"
    assert "podman answers, so kind will be preferred" in chosen.why
    assert "can't yet" in chosen.why


def test_an_engine_that_hangs_is_given_up(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(clients, "nerdctl", "")
    path.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(kind, "PATIENCE", 0.3)
    began = time.monotonic()
    engine = next(each for each in kind.engines() if each.name == "nerdctl")
    assert not engine.answers
    assert "no answer within" in engine.detail
    assert time.monotonic() - began < 5


def test_asking_for_kind_names_the_next_step() -> None:
    with pytest.raises(ClusterError, match=r"(?s)can't make kind clusters yet.*--provider embedded"):
        clusters.up("kind", progress=False)


def test_an_unknown_provider() -> None:
    with pytest.raises(UsageError, match="use one of: kind, embedded"):
        clusters.up("minikube", progress=False)
