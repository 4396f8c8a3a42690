"""Look at this machine: what it can run, what is missing for the rest, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kitlib.cluster import providers, record
from kitlib.cluster.embedded.provider import Embedded
from kitlib.cluster.finding import MISSING, OK, WARN, Finding
from kitlib.cluster.kind import requirements
from kitlib.errors import ClusterError, KitlibError
from kitlib.machine import loopback, paths, resources
from kitlib.machine.programs import find, gobuild, toolchain
from kitlib.machine.versions import DEFAULT, RELEASES, release

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def examine() -> list[Finding]:
    """Look at everything, within a few seconds; nothing is changed or installed."""
    looks: list[Callable[[], list[Finding]]] = [_python, _system, _memory, _disk, _programs, _go, _kind, _ports]
    looks += [_browser, _clusters]
    with ThreadPoolExecutor(len(looks)) as pool:
        found = [finding for each in pool.map(_guarded, looks) for finding in each]
    told: dict[str, Finding] = {}
    for finding in found:  # what keeps several looks from their answer is told once
        told.setdefault(finding.name if finding.state == OK else finding.detail, finding)
    return list(told.values())


def _guarded(look: Callable[[], list[Finding]]) -> list[Finding]:
    """Tell of what can't even be looked at, rather than end."""
    name = look.__name__.strip("_")
    try:
        return look()
    except KitlibError as error:
        return [_refused(name, error, "a cluster", WARN)]
    except OSError as error:
        return [Finding(name, WARN, str(error), "a cluster", "mend what it says, and repeat")]


def _refused(name: str, error: KitlibError, purpose: str, state: str) -> Finding:
    """Make an error's words a finding."""
    detail = f"{error.object}: {error.message}" if error.object else error.message
    return Finding(name, state, detail, purpose, error.next or "mend what it says, and repeat")


def _python() -> list[Finding]:
    return [Finding("Python", OK, f"{platform.python_version()} ({sys.executable})", "all of kitlib")]


def _system() -> list[Finding]:
    system, machine_ = platform.system(), platform.machine()
    if system not in ("Linux", "Darwin"):
        todo = "use Linux, macOS, or Linux inside Windows (WSL 2)"
        return [Finding("system", MISSING, f"{system} {machine_}", "the embedded cluster", todo)]
    count = resources.processors()
    detail = f"{system} {machine_}, {count} processor{'s' * (count != 1)}"
    return [Finding("system", OK if count > 1 else WARN, detail, "the embedded cluster; it is slow on one processor")]


def _memory() -> list[Finding]:
    free = resources.memory()
    detail = f"{free / resources.GIB:.1f} GiB can be used now"
    purpose = "the embedded cluster (0.8 GiB); building Kubernetes' programs (3 GiB; more makes it faster)"
    if free < 1 * resources.GIB:
        return [Finding("memory", MISSING, detail, purpose, "close other programs")]
    if free < 3 * resources.GIB:
        return [Finding("memory", WARN, detail, purpose, "close other programs before the first `kitlib up`")]
    return [Finding("memory", OK, detail, purpose)]


def _disk() -> list[Finding]:
    findings = []
    for name, place, purpose in (("cache", paths.cache, "programs"), ("state", paths.state, "clusters, recordings")):
        try:
            path = place()
        except ClusterError as error:
            findings.append(_refused(f"disk ({name})", error, purpose, MISSING))
            continue
        needed = resources.GIB // 2
        if name == "cache":
            cold = gobuild.MODULES_SIZE + gobuild.CACHE_SIZE + gobuild.PROGRAMS_SIZE
            needed = cold if find.ready(release()).missing() else gobuild.PROGRAMS_SIZE
        free = resources.disk(path)
        detail = f"{free / resources.GIB:.1f} GiB free at {path}"
        state = OK if free > needed else WARN
        todo = (
            ""
            if state == OK
            else f"free {needed / resources.GIB:.1f} GiB, or set KITLIB_{name.upper()} to another folder"
        )
        findings.append(Finding(f"disk ({name})", state, detail, purpose, todo))
    return findings


def _programs() -> list[Finding]:
    findings = []
    for minor, known in RELEASES.items():
        if known.variant:
            continue
        found = find.ready(known)
        missing = found.missing()
        sources = ", ".join(sorted(set(found.sources.values())))
        purpose = f"notebooks that show {known.past}" if known.past else "the embedded cluster"
        if missing:
            detail = f"missing: {', '.join(missing)}" + (f"; the rest: {sources}" if sources else "")
            command = f"`kitlib up{f' --kubernetes {minor}' if minor != DEFAULT else ''}`"
            minutes = 4 if known.past else 6
            todo = (
                f"{command} gets them once: the official release, or a build of about {minutes} minutes on 2 processors"
            )
            findings.append(Finding(f"Kubernetes {minor}", WARN, detail, purpose, todo))
        else:
            findings.append(Finding(f"Kubernetes {minor}", OK, f"all programs: {sources}", purpose))
        if minor == DEFAULT and found.rejected:
            detail = "; ".join(found.rejected)
            findings.append(Finding("other programs on PATH", OK, f"not used: {detail}", "nothing; kitlib has its own"))
    return findings


def _go() -> list[Finding]:
    go, why = toolchain.installed()
    purpose = "building Kubernetes' programs where no release can be downloaded"
    if go:
        return [Finding("Go", OK, f"{go.version} ({go.path})", purpose)]
    if found := toolchain.version(toolchain.wheel()):
        return [Finding("Go", OK, f"{found} ({toolchain.WHEEL} wheel in the cache)", purpose)]
    detail = why or "not on PATH"
    return [
        Finding("Go", WARN, detail, purpose, f"nothing: kitlib installs the {toolchain.WHEEL} wheel if it must build")
    ]


def _kind() -> list[Finding]:
    return requirements.examine()


def _ports() -> list[Finding]:
    wanted = os.environ.get("KITLIB_PORT", "")
    running = any(Embedded().running(name) for name in record.names())
    if wanted.isdecimal() and not running:
        loopback.free_ports(1, {"KITLIB_PORT": int(wanted)})
    else:
        loopback.free_ports(3)
    detail = f"port {wanted} is wanted (KITLIB_PORT)" if wanted else "free ones can be had on 127.0.0.1"
    return [Finding("ports", OK, detail, "the embedded cluster; nothing listens on another address")]


def _browser() -> list[Finding]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    found = found or (str(mac) if mac.exists() else None)
    purpose = "the test that opens the site in a browser; nothing else"
    if found:
        return [Finding("Chromium", OK, found, purpose)]
    todo = "`apt-get install chromium`, or your system's way; without it that test is skipped"
    return [Finding("Chromium", WARN, "not found", purpose, todo)]


def _clusters() -> list[Finding]:
    findings = []
    for name in record.names():
        running = providers.of(name).running(name)
        detail = f"runs; kubeconfig: {paths.home(name) / 'kubeconfig'}" if running else "does not run"
        todo = "" if running else f"`kitlib up` makes it anew, `kitlib down {name}` removes it"
        findings.append(Finding(f"cluster {name}", OK if running else WARN, detail, "the notebooks", todo))
    return findings or [Finding("cluster", OK, "none is up", "the notebooks", "`kitlib up`")]
