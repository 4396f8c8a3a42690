"""The doctor: looks at everything, says what each is for and what to do, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.cluster import doctor


@pytest.fixture
def elsewhere(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty cache, empty state."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    return tmp_path


def test_all_is_looked_at_and_can_be_read_by_programs(elsewhere: Path) -> None:
    findings = doctor.examine()
    names = [finding.name for finding in findings]
    for name in ("Python", "memory", "disk (cache)", "Kubernetes 1.37", "Go", "container engine", "ports", "Chromium"):
        assert name in names
    for finding in findings:
        assert finding.state in (doctor.OK, doctor.WARN, doctor.MISSING)
        assert finding.needed_for
        assert finding.todo or finding.state == doctor.OK
        assert set(finding.to_dict()) == {"name", "state", "detail", "needed_for", "todo"}


def test_missing_programs_are_told_with_the_way_to_get_them(elsewhere: Path) -> None:
    finding = next(each for each in doctor.examine() if each.name == "Kubernetes 1.37")
    assert finding.state == doctor.WARN
    assert "kube-apiserver" in finding.detail
    assert "kitlib up" in finding.todo


def test_a_port_in_use_is_told(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("KITLIB_PORT", str(taken.getsockname()[1]))
        finding = next(each for each in doctor.examine() if each.name == "ports")
    assert finding.state == doctor.WARN
    assert "is in use" in finding.detail


def test_a_home_that_cant_be_written_to_is_told_once(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what is missing: no cluster can be had so; and as what to do, not as a message within a message."""
    (elsewhere / "home").write_text("a file, so that nothing can be made below it")
    for name in ("CACHE", "STATE"):
        monkeypatch.setenv(f"KITLIB_{name}", str(elsewhere / "home" / name))
    findings = doctor.examine()
    for name in ("CACHE", "STATE"):
        (finding,) = [each for each in findings if f"home/{name}" in each.detail]
        assert (finding.name, finding.state) == (f"disk ({name.lower()})", doctor.MISSING)
        assert finding.todo == "set KITLIB_CACHE and KITLIB_STATE to folders that you may write to"
    assert not any("Next:" in each.detail for each in findings)


def test_a_broken_cluster_is_told(elsewhere: Path) -> None:
    from kitlib.machine import paths

    paths.home("embedded-1.37").mkdir()
    finding = next(each for each in doctor.examine() if each.name == "cluster embedded-1.37")
    assert finding.state == doctor.WARN
    assert "kitlib down embedded-1.37" in finding.todo
