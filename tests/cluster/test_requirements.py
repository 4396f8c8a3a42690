"""The doctor on kind clusters: what an engine, memory, control groups and limits mean for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.cluster import doctor
from kitlib.cluster.kind import engines, requirements
from kitlib.cluster.kind.engines import Client
from kitlib.machine import resources
from kitlib.machine.airgap import debian
from tests.machine.programs.test_toolchain import script


@pytest.fixture(autouse=True)
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker that answers, and is rootless if the file `rootless` is there; all else is fine."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", str(tmp_path))
    path = script(tmp_path, "docker", "")
    answer = f"[ ! -e {tmp_path}/rootless ] || read -r line <{tmp_path}/rootless; echo $line"
    path.write_text(f'#!/bin/sh\ncase "$*" in *Security*) {answer};; *) echo 29.1;; esac\n')
    monkeypatch.setattr(resources, "memory", lambda: 8 * resources.GIB)
    (tmp_path / "instances").write_text("8192\n")
    monkeypatch.setattr(requirements, "INSTANCES", tmp_path / "instances")
    (tmp_path / "controllers").write_text("cpu memory pids\n")
    monkeypatch.setattr(requirements, "CONTROLLERS", tmp_path / "controllers")
    return tmp_path


def named(name: str) -> doctor.Finding:
    return {finding.name: finding for finding in requirements.examine()}[name]


def test_an_engine_that_answers_is_all_that_is_needed() -> None:
    assert [(finding.name, finding.state) for finding in requirements.examine()] == [("container engine", doctor.OK)]
    assert named("container engine").detail == "docker 29.1"


def test_no_engine_where_kitlib_can_set_one_up(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docker / "docker").unlink()
    monkeypatch.setattr(debian, "able", lambda: (True, ""))
    found = named("container engine")
    assert found.state == doctor.WARN
    assert "`kitlib up --provider kind` sets one up" in found.todo


def test_no_engine_and_none_can_be_set_up(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docker / "docker").unlink()
    monkeypatch.setattr(debian, "able", lambda: (False, "you are not root"))
    assert "install Docker, Podman or nerdctl" in named("container engine").todo
    assert "you are not root" in named("container engine").todo


@pytest.mark.parametrize(("gib", "state"), [(0.5, doctor.MISSING), (1.5, doctor.WARN)])
def test_too_little_memory(gib: float, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "memory", lambda: int(gib * resources.GIB))
    found = named("memory (kind)")
    assert (found.state, f"{gib} GiB can be used now" in found.detail) == (state, True)


def test_a_low_inotify_limit_names_the_command(docker: Path) -> None:
    (docker / "instances").write_text("128\n")
    assert named("inotify").state == doctor.WARN
    assert "sysctl fs.inotify.max_user_instances=1024" in named("inotify").todo


def test_the_own_engine_raises_that_limit_itself(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docker / "instances").write_text("128\n")
    monkeypatch.setattr(engines, "find", lambda: Client("docker", True, {}))
    assert "inotify" not in {finding.name for finding in requirements.examine()}


def test_a_rootless_engine_needs_cgroup_v2_and_delegation(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (docker / "rootless").write_text("[name=seccomp name=rootless]\n")
    monkeypatch.setattr(requirements, "_delegated", lambda: ["memory", "pids"])
    assert named("rootless engine").detail == "not delegated to you: cpu"
    monkeypatch.setattr(requirements, "_delegated", lambda: ["cpu", "memory", "pids"])
    assert named("rootless engine").state == doctor.OK
    (docker / "controllers").unlink()
    assert "kind needs cgroup v2" in named("rootless engine").detail
    assert "cgroup v1" in named("control groups").detail


def test_the_doctor_asks_for_kind_too() -> None:
    assert "container engine" in {finding.name for finding in doctor.examine()}
