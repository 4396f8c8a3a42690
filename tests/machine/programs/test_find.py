"""Where programs come from: PATH if the version fits, the cache, the release, a build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kitlib.machine.programs import build, find, programcache
from kitlib.machine.versions import Release
from tests.machine.programs.test_toolchain import script


@pytest.fixture
def path_folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH, and an empty cache."""
    folder = tmp_path / "first"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def fill(known: Release) -> Path:
    """Put a build into the cache."""
    with programcache.adding(build.key(known)) as part:
        for name in ("kube", "etcd", "kwok", "kwokctl"):
            (part / name).write_text("#!/bin/sh\n")
        programcache.seal(part, dict.fromkeys(build.KUBE, "kube"))
    return programcache.folder(build.key(known))


def test_one_wrong_program_does_not_spoil_the_others(path_folder: Path, known: Release) -> None:
    home = fill(known)
    script(path_folder, "kubectl", "Client Version: v1.32.4")
    script(path_folder, "etcd", f"etcd Version: {known.etcd}")
    script(path_folder, "kwok", "no version at all")
    script(path_folder, "kube-apiserver", f"Kubernetes v{known.minor}.9")
    found = find.programs(known, progress=False)
    assert not found.missing()
    assert found.paths["etcd"] == path_folder / "etcd"
    assert found.paths["kube-apiserver"] == path_folder / "kube-apiserver"
    assert found.paths["kubectl"] == home / "kubectl"
    assert found.paths["kwok"] == home / "kwok"
    assert found.sources["etcd"] == "PATH"
    assert found.sources["kubectl"] == "cache (built)"
    assert f"{path_folder / 'kubectl'} is 1.32.4; 1.37 is needed" in found.rejected
    assert f"{path_folder / 'kwok'} does not tell its version; 0.8 is needed" in found.rejected


def test_a_program_with_two_names_is_told_once(
    path_folder: Path, known: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/bin is /usr/bin on most machines, and both are on PATH."""
    fill(known)
    script(path_folder, "kubectl", "Client Version: v1.32.4")
    (tmp_path / "alias").symlink_to(path_folder)
    monkeypatch.setenv("PATH", f"{path_folder}{os.pathsep}{tmp_path / 'alias'}")
    found = find.programs(known, progress=False)
    assert [each for each in found.rejected if "kubectl" in each] == [
        f"{path_folder / 'kubectl'} is 1.32.4; 1.37 is needed"
    ]


def test_a_later_program_on_path_may_fit(
    path_folder: Path, tmp_path: Path, known: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(path_folder, "kubectl", "Client Version: v1.32.4")
    script(tmp_path / "second", "kubectl", f"Client Version: v{known.kubernetes}")
    monkeypatch.setenv("PATH", f"{path_folder}:{tmp_path / 'second'}")
    assert find.on_path(known).paths["kubectl"] == tmp_path / "second" / "kubectl"


def test_versions_are_asked_once_and_again_for_another_file(path_folder: Path, known: Release) -> None:
    asked = path_folder / "asked"
    program = path_folder / "etcd"
    program.write_text(f"#!/bin/sh\necho x >> {asked}\necho etcd Version: 3.7.1\n")
    program.chmod(0o755)
    for _ in range(3):
        assert find.on_path(known).paths["etcd"] == program
    assert asked.read_text() == "x\n"
    program.write_text(f"#!/bin/sh\necho x >> {asked}\necho etcd Version: 3.6.0 \n")
    assert "etcd" not in find.on_path(known).paths
    assert asked.read_text() == "x\nx\n"


def test_nothing_at_hand(path_folder: Path, known: Release) -> None:
    assert set(find.ready(known).missing()) == set(build.PROGRAMS)
