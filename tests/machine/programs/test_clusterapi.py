"""Cluster API's programs: what names them, what of their sources is different here, and that no two are one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine import versions
from kitlib.machine.programs import clusterapi, find, programcache
from kitlib.machine.programs.clusterapi import CHANGES, CONTROLLERS, CORE, TEST

WEBHOOK = 'tls.Listen("tcp", net.JoinHostPort(s.Options.Host, strconv.Itoa(s.Options.Port)), cfg)\n'
MUX = """\
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", options.DebugPort))
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", wcl.Port()))
	port := m.portIndex
	if port > m.maxPort {
"""
BACKEND = "\tinMemoryCluster.Annotations[infrav1.ListenerAnnotationName] = listenerName\n"
"""Lines as the modules have them."""


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Folders that stand in for the modules, as read-only as those of Go's cache."""
    made = {name: tmp_path / name for name in {CORE, *(change.module for change in CHANGES)}}
    for change in CHANGES:
        path = made[change.module] / change.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({clusterapi.MUX: MUX, clusterapi.BACKEND: BACKEND}.get(change.path, WEBHOOK))
    (made[TEST] / "go.mod").write_text(f"module {TEST}\n")
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return made


@pytest.fixture(autouse=True)
def writable_again(tmp_path: Path):
    yield
    for path in [tmp_path, *sorted(tmp_path.rglob("*"))]:
        path.chmod(0o755)


def test_versions_are_those_of_the_table() -> None:
    release = versions.release("1.37-cluster-api")
    assert clusterapi.version() == release.cluster_api
    text = (clusterapi.SOURCE / "go.mod").read_text()
    assert {f"{name} v{release.cluster_api}" in text for name in (CORE, TEST, f"{CORE}/api")} == {True}
    assert not any(each.cluster_api for label, each in versions.RELEASES.items() if label != release.label)


def test_everything_that_is_built_is_named_for_go() -> None:
    text = (clusterapi.SOURCE / "tools.go").read_text()
    assert [each.package for each in CONTROLLERS.values() if f'"{each.package}"' not in text] == []


def test_no_two_programs_are_written_to_one_file() -> None:
    groups = clusterapi._apart()
    assert sorted(name for group in groups for name in group) == sorted(CONTROLLERS)
    for group in groups:
        names = [Path(CONTROLLERS[name].path).name for name in group]
        assert len(set(names)) == len(names)


def test_they_listen_on_loopback_alone(sources: Mapping[str, Path]) -> None:
    changed = {path: text for name in sources for path, text in clusterapi.changed(sources, name).items()}
    for text in changed.values():
        assert "Options.Host" not in text and '":%d"' not in text
    assert sum('"127.0.0.1' in text for text in changed.values()) == 2
    mux = changed[clusterapi.MUX]
    assert "wcl.HostPort()" in mux and mux.count("port := m.portIndex\n\tif port > m.maxPort") == 1


def test_a_cluster_without_annotations_gets_some(sources: Mapping[str, Path]) -> None:
    text = clusterapi.changed(sources, TEST)[clusterapi.BACKEND]
    assert text.strip().startswith("metav1.SetMetaDataAnnotation(&inMemoryCluster.ObjectMeta, infrav1.Listener")


def test_a_source_that_is_not_as_it_was_is_said(sources: Mapping[str, Path]) -> None:
    path = sources[TEST] / CHANGES[-1].path
    path.chmod(0o644)
    path.write_text("package server\n")
    with pytest.raises(BuildError, match=r"(?s)cluster_backend\.go has nothing that matches.*Next: report it"):
        clusterapi.changed(sources, TEST)


def test_changed_modules_stand_in_for_their_originals(sources: Mapping[str, Path], tmp_path: Path) -> None:
    work = clusterapi._mended(sources, tmp_path / "work").folder
    text = (work / "go.mod").read_text()
    for name in {change.module for change in CHANGES}:
        (line,) = [line for line in text.splitlines() if line.startswith(f"replace {name} =>")]
        copy = work / line.split("=> ")[1]
        for path, changed in clusterapi.changed(sources, name).items():
            assert (copy / path).read_text() == changed != (sources[name] / path).read_text()
    assert text.startswith((clusterapi.SOURCE / "go.mod").read_text())
    assert {path.name for path in work.iterdir()} >= {"go.sum", "tools.go"}


def test_what_is_changed_names_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clusterapi.key()
    assert before.startswith("cluster-api-1.14.2-")
    monkeypatch.setattr(clusterapi, "CHANGES", CHANGES[1:])
    clusterapi.key.cache_clear()
    try:
        assert clusterapi.key() != before
    finally:
        clusterapi.key.cache_clear()


def test_programs_in_the_cache_are_found_for_that_release_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITLIB_CACHE", str(tmp_path / "cache"))
    assert set(find.CLUSTER_API) <= set(find.ready(versions.release("1.37-cluster-api")).missing(find.CLUSTER_API))
    with programcache.adding(clusterapi.key()) as part:
        for name in (*CONTROLLERS, clusterapi.KINDS):
            (part / name).write_text("{}")
        programcache.seal(part, {})
    found = find.ready(versions.release("1.37-cluster-api"))
    assert found.missing(find.CLUSTER_API) == ()
    assert clusterapi.kinds(found.paths["capi-core"].parent) == {}
    assert not set(find.CLUSTER_API) & find.ready(versions.release("1.37")).paths.keys()
