"""A node's programs: what names them, and that a control plane of the embedded provider is among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.machine import versions
from kitlib.machine.programs import build, find, nodeprograms, programcache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of programs that is empty."""
    monkeypatch.setenv("KITLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(key: str) -> Path:
    """Put files that stand in for a node's programs into the cache."""
    with programcache.adding(key) as part:
        for name in ("kube", "etcd", "kwok", "kwokctl", "engine", "kind"):
            (part / name).write_text(name)
        programcache.seal(part, dict.fromkeys(nodeprograms.KUBE, "kube") | dict.fromkeys(nodeprograms.ENGINE, "engine"))
    return programcache.folder(key)


def test_a_control_plane_is_found_among_a_nodes_programs(cache: Path) -> None:
    release = versions.release()
    assert find.ready(release).missing() == build.PROGRAMS
    home = put(nodeprograms.key())
    assert nodeprograms.cached() == home
    found = find.ready(release)
    assert found.paths == {name: home / name for name in build.PROGRAMS}
    assert all(path.exists() for path in found.paths.values())


def test_the_past_is_not_found_there(cache: Path) -> None:
    put(nodeprograms.key())
    assert not set(build.KUBE) & find.ready(versions.release("1.17")).paths.keys()


def test_both_are_compiled_alike_so_that_gos_cache_serves_both() -> None:
    release = versions.release()
    *common, variables = build.flags(release)
    tags, *mine, more = nodeprograms.flags(release)
    assert (tags, mine) == (nodeprograms.TAGS, common)
    assert more.startswith(variables)


def test_versions_are_those_of_the_table() -> None:
    release = versions.release()
    assert nodeprograms.pinned("k8s.io/kubernetes") == f"v{release.kubernetes}"
    assert nodeprograms.pinned("go.etcd.io/etcd/server/v3") == f"v{release.etcd}"
    assert nodeprograms.pinned("sigs.k8s.io/kwok") == f"v{release.kwok}"
    with pytest.raises(LookupError):
        nodeprograms.pinned("example.com/none")
