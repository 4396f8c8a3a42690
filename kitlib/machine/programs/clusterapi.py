"""Cluster API's four controllers, compiled from one Go module, and the kinds that they serve.

Their authors publish images only, so wherever a cluster is to have them they are built. The fourth one makes machines
that exist in its memory alone: each workload cluster is an API server of a few kinds, without any container.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kitlib.errors import BuildError
from kitlib.machine import folders, paths, resources, subprocesses
from kitlib.machine.lock import FileLock
from kitlib.machine.programs import build, gobuild, modules, programcache, toolchain
from kitlib.machine.programs.gobuild import Module
from kitlib.machine.programs.toolchain import Go
from kitlib.progress import Progress

STEP = "build Cluster API's controllers"
SOURCE = Path(__file__).parent / "go_cluster_api"
CORE, TEST = "sigs.k8s.io/cluster-api", "sigs.k8s.io/cluster-api/test"
"""The modules that hold them."""
KINDS = "kinds.json"
"""Beside the programs: of each its CustomResourceDefinitions and webhooks, as its authors' kustomization makes them."""
KEPT = ("CustomResourceDefinition", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
"""What of a kustomization is kept: the rest is for controllers that run in Pods."""
PROGRAMS_SIZE, CACHE_SIZE, MODULES_SIZE = resources.GIB // 3, resources.GIB, resources.GIB
"""Disk that a cold build takes: the programs, Go's own cache, the modules."""
RECIPE = "1"
"""Counts the ways in which these files have been made."""


@dataclass(frozen=True)
class Controller:
    """One of the programs.

    Parameters
    ----------
    module, path : str
        The module that holds it, and its folder in it: that of its package, beside which lies config/.
    """

    module: str
    path: str

    @property
    def package(self) -> str:
        """Its Go package."""
        return f"{self.module}/{self.path}"


CONTROLLERS = {
    "capi-core": Controller(CORE, "core"),
    "capi-bootstrap": Controller(CORE, "bootstrap/kubeadm"),
    "capi-control-plane": Controller(CORE, "controlplane/kubeadm"),
    "capi-infrastructure": Controller(TEST, "infrastructure/docker"),
}
"""By the names that their programs have here: core, bootstrap and control plane by kubeadm, and the machines."""


@dataclass(frozen=True)
class Change:
    """What is different here in a source file of a module.

    Parameters
    ----------
    module, path : str
        The module, and the file in it.
    pattern : str
        A regular expression for several lines, which must be found.
    text : str
        What stands in its place, taken as it is.
    """

    module: str
    path: str
    pattern: str
    text: str


MUX = "infrastructure/inmemory/pkg/server/mux.go"
FREE = """\
for m.portIndex <= m.maxPort {
		taken, err := net.Listen("tcp", net.JoinHostPort(m.host, fmt.Sprint(m.portIndex)))
		if err == nil {
			_ = taken.Close()
			break
		}
		m.portIndex++
	}
	port := m.portIndex
"""
BACKEND = "infrastructure/docker/internal/controllers/backends/inmemory/inmemorycluster_backend.go"
SET = "infrav1.ListenerAnnotationName, listenerName"
NOTED = "inMemoryCluster.Annotations[infrav1.ListenerAnnotationName] = listenerName\n"
CHANGES = (
    Change(
        "sigs.k8s.io/controller-runtime",
        "pkg/webhook/server.go",
        r"net\.JoinHostPort\(s\.Options\.Host, ",
        'net.JoinHostPort("127.0.0.1", ',
    ),
    Change(TEST, MUX, r'fmt\.Sprintf\(":%d", options\.DebugPort\)', '"127.0.0.1:0"'),
    Change(
        TEST, MUX, r'net\.Listen\("tcp", fmt\.Sprintf\(":%d", wcl\.Port\(\)\)\)', 'net.Listen("tcp", wcl.HostPort())'
    ),
    Change(TEST, MUX, r"port := m\.portIndex\n", FREE),
    Change(TEST, BACKEND, re.escape(NOTED), f"metav1.SetMetaDataAnnotation(&inMemoryCluster.ObjectMeta, {SET})\n"),
)
"""They would listen on every address, the workload clusters without asking who comes; two could not stand side by side,
since ports were counted up from 20000 whether or not they were free; and a DevCluster without annotations, as one has
that was applied on the server's side, was never made: an annotation was put into a map that wasn't there."""


@cache
def version() -> str:
    """Return the version that the go.mod pins, without a leading v: "1.14.2"."""
    for line in (SOURCE / "go.mod").read_text(encoding="utf-8").splitlines():
        if line.split()[:1] == [CORE]:
            return line.split()[1].removeprefix("v")
    raise LookupError(CORE)


def flags() -> list[str]:
    """Return the flags of the build commands."""
    major, minor, _ = version().split(".")
    values = {"gitVersion": f"v{version()}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    values |= {"gitCommit": "unknown", "buildDate": "1970-01-01T00:00:00Z"}
    return [
        *build.COMMON,
        "-ldflags=-s -w " + " ".join(f"-X {CORE}/version.{key}={each}" for key, each in values.items()),
    ]


@cache
def key() -> str:
    """Return what names the build in the cache: a digest of everything that goes into it."""
    told = [RECIPE, flags(), {name: each.package for name, each in CONTROLLERS.items()}, build.goos(), build.goarch()]
    changes = [asdict(change) for change in CHANGES]
    digest = hashlib.sha256(json.dumps([told, changes], sort_keys=True).encode())
    for path in sorted(path for path in SOURCE.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(SOURCE)} {programcache.sha256(path)}\n".encode())
    return f"cluster-api-{version()}-{digest.hexdigest()[:16]}"


def cached() -> Path | None:
    """Return the folder of the programs if they are in the cache and whole."""
    return programcache.get(key())


def make(kubectl: Path, progress: bool = True) -> Path:
    """Build the programs, or take what is in the cache; return their folder.

    A build that was stopped goes on where it was. Two processes build once: the second waits.

    Parameters
    ----------
    kubectl : Path
        The program, whose `kustomize` makes the kinds.
    progress : bool

    Raises
    ------
    BuildError
        No Go, no modules, no room, or the compiler fails.
    """
    name = key()
    with FileLock(paths.cache() / "locks" / f"build-{name}.lock", STEP, progress) as lock:
        if home := cached():
            return home
        go = toolchain.find(progress)
        module = Module(SOURCE)
        target = gobuild.Target(
            f"Cluster API {version()}", f"{CORE}@v{version()}", PROGRAMS_SIZE, CACHE_SIZE, MODULES_SIZE
        )
        with programcache.adding(name) as part:
            sources = _fetch(go, module, lock.handle, progress)
            work = _mended(sources, part / "module")
            for group in _apart():
                packages = [CONTROLLERS[each].package for each in group]
                (draft := part / "draft").mkdir()
                gobuild.run(go, target, packages, flags(), work, draft, name, lock.handle, progress)
                for each in group:
                    (draft / Path(CONTROLLERS[each].path).name).rename(part / each)
                draft.rmdir()
            folders.remove(work.folder)
            modules.keep(go, module, [each.package for each in CONTROLLERS.values()], part, lock.handle)
            with Progress("read Cluster API's kinds", quiet=not progress):
                found = {each: _kinds(kubectl, sources[one.module] / one.path) for each, one in CONTROLLERS.items()}
            (part / KINDS).write_text(json.dumps(found, sort_keys=True), encoding="utf-8")
            programcache.seal(part, {}, go=go.version, system=f"{build.goos()}/{build.goarch()}")
        return programcache.folder(name)


def kinds(home: Path) -> dict[str, list[dict[str, Any]]]:
    """Return of each program the definitions and webhooks that go with it, from the folder of the programs."""
    found: dict[str, list[dict[str, Any]]] = json.loads((home / KINDS).read_text(encoding="utf-8"))
    return found


def _apart() -> list[list[str]]:
    """Return the programs in groups in which no two would be written to one file: `go build` names them by folder."""
    groups: list[dict[str, str]] = []
    for name, controller in CONTROLLERS.items():
        built = Path(controller.path).name
        group = next((each for each in groups if built not in each), None)
        if group is None:
            groups.append(group := {})
        group[built] = name
    return [list(group.values()) for group in groups]


def _fetch(go: Go, module: Module, lock: int, progress: bool) -> dict[str, Path]:
    """Have the modules whose files are read or changed, and return their folders."""
    wanted = list(dict.fromkeys([CORE, TEST, *(change.module for change in CHANGES)]))
    with Progress("fetch Go modules", quiet=not progress) as bar:
        command = [str(go.path), "mod", "download", *wanted]
        environment = module.environment(toolchain.environment())
        gobuild.call(command, SOURCE, environment, lock, gobuild.fetching(bar), lambda: bar.update(), gobuild.STALL)
    return {each: modules.folder(go, module, each, lock) for each in wanted}


def changed(sources: Mapping[str, Path], module: str) -> dict[str, str]:
    """Return the source files of a module that are different here: path in the module to text.

    Parameters
    ----------
    sources : mapping
        Module to its folder.
    module : str

    Raises
    ------
    BuildError
        A file hasn't what is to be changed in it.
    """
    texts: dict[str, str] = {}
    for change in (each for each in CHANGES if each.module == module):
        text = texts.get(change.path) or (sources[module] / change.path).read_text(encoding="utf-8")
        pieces = re.split(change.pattern, text, flags=re.MULTILINE)
        if len(pieces) < 2:
            raise BuildError(
                f"{change.path} has nothing that matches {change.pattern!r}.",
                step=STEP,
                object=module,
                next="report it: kitlib pins a version of this module whose sources it knows",
            )
        texts[change.path] = change.text.join(pieces)
    return texts


def _mended(sources: Mapping[str, Path], place: Path) -> Module:
    """Make a module that has changed copies of others beside it, which stand in for them."""
    place.mkdir()
    text = (SOURCE / "go.mod").read_text(encoding="utf-8")
    for number, name in enumerate(dict.fromkeys(change.module for change in CHANGES)):
        copy = shutil.copytree(sources[name], place / str(number), copy_function=shutil.copyfile)
        for folder, _, _ in os.walk(copy):
            Path(folder).chmod(0o700)  # in Go's cache nobody may write to them
        text += f"\nreplace {name} => ./{number}\n"
        for path, other in changed(sources, name).items():
            (copy / path).write_text(other, encoding="utf-8")
    (place / "go.mod").write_text(text, encoding="utf-8")
    for name in ("go.sum", "tools.go"):
        shutil.copyfile(SOURCE / name, place / name)
    return Module(place)


def _kinds(kubectl: Path, folder: Path) -> list[dict[str, Any]]:
    """Return the definitions and webhooks of a controller."""
    said = subprocesses.output([str(kubectl), "kustomize", str(folder / "config" / "default")], STEP)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [each for each in yaml.load_all(said, loader) if each and each["kind"] in KEPT]


__all__ = [
    "CHANGES",
    "CONTROLLERS",
    "KINDS",
    "Change",
    "Controller",
    "cached",
    "changed",
    "key",
    "kinds",
    "make",
    "version",
]
