"""Run notebooks from end to end on a cluster, as a reader would, and tell what each of their claims came to.

The checkout is never changed: copies are executed under build/, with the manifests beside them, by a kernel of this
Python. A walk fails when a cell fails, when a claim gets a verdict that it doesn't expect, when a notebook stops before
its ledger, and when a cell goes wrong without an error (see `faults`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitlib import cluster as clusters
from kitlib.errors import ClaimError, UsageError
from kitlib.progress import Progress, duration

if TYPE_CHECKING:
    import nbformat

    from kitlib.cluster import Cluster

__all__ = ["NotebookResult", "WalkResult", "checkout", "faults", "publish", "reading_order", "walk"]

CELL_TIMEOUT = 300.0
"""Seconds a cell may take; the tag `timeout-N` on a cell allows it N."""
STDERR_TAG = "stderr-expected"
"""A cell with this tag may write to standard error."""
ERROR_TAG = "raises-exception"
"""A cell with this tag may end in an error (Jupyter's own tag)."""
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# `!false` leaves no trace in an executed notebook. In a walk it writes to standard error, where `faults` finds it.
SHELL_WATCH = """
def _watch(shell):
    import sys
    plain = shell.system
    def system(command):
        plain(command)
        code = shell.user_ns.get("_exit_code")
        if code:
            print(f"shell command ended with exit code {code}: {command}", file=sys.stderr)
    shell.system = system
_watch(get_ipython())
del _watch
"""


@dataclass
class NotebookResult:
    """What came of one notebook.

    Parameters
    ----------
    name : str
        "deployment" for notebooks/deployment.ipynb.
    path : Path
        The executed copy, as far as it got.
    cells, cells_run : int
        Code cells that it has, and that were run to their end.
    seconds : float
        How long it took.
    claims : list of dict
        The rows of its ledger, as in build/claims/NAME.json.
    complete : bool
        Whether it came to its ledger, its last word.
    error : str, optional
        Why it stopped early.
    faults : list of str
        What went wrong without an error.
    skipped : str
        Why it was not run at all; empty if it was.
    """

    name: str
    path: Path
    cells: int = 0
    cells_run: int = 0
    seconds: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False
    error: str | None = None
    faults: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def unexpected(self) -> list[dict[str, Any]]:
        """The claims whose verdict is not the expected one."""
        return [row for row in self.claims if row.get("verdict") != row.get("expected", "holds")]

    @property
    def problems(self) -> list[str]:
        """Why this notebook fails the walk, in plain words; empty if it doesn't."""
        if self.skipped:
            return []
        found = [self.error] if self.error else []
        found += [
            f"claim {row.get('id') or row.get('text')!r}: {row.get('verdict')}, expected {row.get('expected', 'holds')}"
            for row in self.unexpected
        ]
        found += self.faults
        if not self.complete and not self.error:
            found.append("it ended before its ledger was complete: fewer claims were tested than it makes")
        return found

    @property
    def ok(self) -> bool:
        """Whether everything went as the notebook says."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return all of this as JSON-like values, the evidence left to the claims' files."""
        return {
            "name": self.name,
            "path": str(self.path),
            "ok": self.ok,
            "cells": self.cells,
            "cellsRun": self.cells_run,
            "seconds": round(self.seconds, 2),
            "complete": self.complete,
            "problems": self.problems,
            "skipped": self.skipped,
            "claims": [{key: value for key, value in row.items() if key != "evidence"} for row in self.claims],
        }


@dataclass
class WalkResult:
    """What came of a walk: a result for each notebook, and the cluster that they ran on."""

    notebooks: list[NotebookResult] = field(default_factory=list)
    cluster: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every notebook went as it says."""
        return all(notebook.ok for notebook in self.notebooks)

    @property
    def exit_code(self) -> int:
        """What a program that walks should exit with: 0, or that of `ClaimError`."""
        return 0 if self.ok else ClaimError.exit_code

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The rows of all ledgers, in reading order."""
        return [row for notebook in self.notebooks for row in notebook.claims]

    def to_dict(self) -> dict[str, Any]:
        """Return all of this as JSON-like values."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "cluster": self.cluster,
            "notebooks": [notebook.to_dict() for notebook in self.notebooks],
        }


def checkout(start: Path | None = None) -> Path:
    """Find the folder with notebooks/ and mkdocs.yml: here, above here, or where kitlib is installed from.

    Raises
    ------
    UsageError
        If there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "notebooks").is_dir() and (folder / "mkdocs.yml").is_file():
            return folder
    raise UsageError(
        "no notebooks/ with a mkdocs.yml beside it here or above",
        step="walk",
        object=str(here),
        next="change into your clone of the project and repeat",
    )


def reading_order(root: Path) -> list[str]:
    """Return the names of all notebooks, in the order of mkdocs.yml's nav; those that it lacks come last."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads mkdocs.yml; tags that only MkDocs understands become None."""

    Loader.add_multi_constructor("", lambda loader, suffix, node: None)
    document = yaml.load((root / "mkdocs.yml").read_text(), Loader=Loader) or {}

    def leaves(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from leaves(child)

    there = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    named = [Path(leaf).stem for leaf in leaves(document.get("nav")) if leaf.endswith(".ipynb")]
    ordered = [name for name in dict.fromkeys(named) if name in there]
    return ordered + sorted(there.difference(ordered))


def faults(nb: nbformat.NotebookNode) -> list[str]:
    """Say what went wrong in an executed notebook, also where no cell failed.

    A magic that doesn't exist, a shell command that ends with an error (in a walk), a warning: each leaves its trace on
    standard error, and nothing else. A cell may be allowed what it does by a tag: `stderr-expected`,
    `raises-exception`.

    Parameters
    ----------
    nb : NotebookNode
        The executed notebook.

    Returns
    -------
    list of str
        One sentence for each fault.
    """
    found = []
    for place, cell in _code_cells(nb):
        tags = cell.metadata.get("tags", [])
        for output in cell.get("outputs", []):
            if output.output_type == "error" and ERROR_TAG not in tags:
                found.append(f"{place}: {output.ename}: {ANSI.sub('', output.evalue)}")
            elif output.output_type == "stream" and output.name == "stderr" and STDERR_TAG not in tags:
                text = ANSI.sub("", "".join(output.text)).strip()
                if text:
                    found.append(f"{place} wrote to standard error: {text[:400]}")
        if ERROR_TAG in tags and cell.execution_count and not _raised(cell):
            found.append(f"{place} is tagged {ERROR_TAG}, but nothing was raised")
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"{place} was not run")
    return found


def _raised(cell: nbformat.NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", []))


def _code_cells(nb: nbformat.NotebookNode) -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Yield each code cell with a name for it: its number, and the heading that it stands under."""
    heading, number = "", 0
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            heading = re.sub(r"[`*_]", "", titles[-1]) if titles else heading
        elif cell.cell_type == "code":
            number += 1
            yield (f"cell {number} ({heading})" if heading else f"cell {number}"), cell


class _Voice:
    """What a walk says: verdicts as lines, and the progress line between them."""

    def __init__(self, show: bool, say: Callable[[str], None] | None) -> None:
        self.bar: Progress | None = None
        self._show = show
        self._say = say or print

    def line(self, text: str) -> None:
        if not self._show:
            return
        if self.bar is not None and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
        self._say(text)

    @contextlib.contextmanager
    def progress(self, step: str, total: int) -> Iterator[None]:
        if not self._show:
            yield
            return
        with Progress(step, total=total) as self.bar:
            try:
                yield
            finally:
                bar, self.bar = self.bar, None
                bar.update(text="")

    def at(self, text: str | None = None, done: int | None = None) -> None:
        if self.bar is not None:
            self.bar.update(text=text, done=done)


def verdict_line(row: dict[str, Any]) -> str:
    """Write one claim's verdict as a line, with the reason where it wasn't expected."""
    verdict, expected = row.get("verdict", "unknown"), row.get("expected", "holds")
    where = f" ({row.get('version')})" if row.get("answers") else ""
    lines = [f"  {'✓' if verdict == expected else '✗'} {verdict:<8} {row.get('text', '')}{where}"]
    if verdict != expected:
        lines.append(f"             expected: {expected}. {row.get('why') or ''}".rstrip())
    elif verdict == "fails" and row.get("instead"):
        lines.append(f"             as expected; true is: {row['instead']}")
    return "\n".join(lines)


def walk(
    notebooks: Sequence[str] | None,
    cluster: Cluster,
    build: Path | None = None,
    progress: bool = True,
    *,
    root: Path | None = None,
    timeout: float = CELL_TIMEOUT,
    say: Callable[[str], None] | None = None,
) -> WalkResult:
    """Execute notebooks on a cluster, and print each claim's verdict as it comes.

    Parameters
    ----------
    notebooks : sequence of str, optional
        Names ("deployment") or paths of notebooks; all in reading order if None or empty.
    cluster : Cluster
        Where they run. An object with `name`, `provider`, `context` and `to_dict()` is enough.
    build : Path, optional
        Where executed copies, claims and recordings go; build/ in the checkout by default.
    progress : bool
        Whether anything is printed.
    root : Path, optional
        The checkout; found from the current folder by default.
    timeout : float
        Seconds that one cell may take.
    say : callable, optional
        Takes each line; `print` by default.

    Returns
    -------
    WalkResult
        Its `exit_code` is 1 when anything went otherwise than the notebooks say.

    Raises
    ------
    UsageError
        If there is no such notebook.
    KeyboardInterrupt
        On Ctrl-C, after the kernel was stopped and the copy written as far as it was executed.
    """
    root = (root or checkout()).resolve()
    build = (build or root / "build").resolve()
    voice = _Voice(progress, say)
    sources = [_find(name, root) for name in notebooks or reading_order(root)]
    if not sources:
        raise UsageError("there is no notebook to run", step="walk", object=str(root / "notebooks"))
    began = time.monotonic()
    result = WalkResult(cluster=cluster.to_dict())
    for source in sources:
        _copy_beside(source.parent, build / "notebooks", everything=source.parent == root / "notebooks")
        nb = _read(source)
        place = _able(nb, cluster)
        if place is None:
            result.notebooks.append(_skip(source, nb, build, voice))
            continue
        outcome = _run(source, nb, place, build, timeout, voice)
        result.notebooks.append(outcome)
        if not outcome.ok:
            _sweep(place)
        for problem in outcome.problems:
            voice.line(f"  ! {problem}")
    result.seconds = time.monotonic() - began
    voice.line(summary(result))
    return result


def summary(result: WalkResult) -> str:
    """Write what came of a walk in a line or two."""
    expected = sum(row.get("verdict") == row.get("expected", "holds") for row in result.claims)
    failed = [notebook.name for notebook in result.notebooks if not notebook.ok]
    count = len(result.notebooks)
    text = (
        f"{count} notebook{'' if count == 1 else 's'}, {expected} of {len(result.claims)} claims as expected"
        f" ({duration(result.seconds)})"
    )
    skipped = [notebook.name for notebook in result.notebooks if notebook.skipped]
    text += f"; not run: {', '.join(skipped)}" if skipped else ""
    return text + (f"; failed: {', '.join(failed)}" if failed else "")


def _find(name: str, root: Path) -> Path:
    for path in (root / "notebooks" / f"{name}.ipynb", Path(name)):
        if path.suffix == ".ipynb" and path.is_file():
            return path.resolve()
    raise UsageError(
        f"no notebook {name!r}",
        step="walk",
        object=str(root / "notebooks"),
        next=f"choose from: {', '.join(reading_order(root)) or 'none is there'}",
    )


def _copy_beside(source: Path, target: Path, everything: bool) -> None:
    """Copy what notebooks read beside their copies: manifests, and in the checkout all else in notebooks/, too."""
    target.mkdir(parents=True, exist_ok=True)
    if source == target:
        return
    for path in source.iterdir() if everything else [source / "manifests"]:
        if path.name.startswith(".") or path.suffix == ".ipynb":
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
        elif path.is_file():
            shutil.copy2(path, target / path.name)


def _sweep(cluster: Cluster) -> None:
    """Bring back the nodes that a failed notebook left, and remove its namespace; the next `kitlib up` would, too."""
    if not getattr(cluster, "made_by_kitlib", False):
        return
    from kitlib.cluster import namespaces
    from kitlib.errors import KitlibError

    with contextlib.suppress(KitlibError, OSError):
        cluster.mend()
    with contextlib.suppress(KitlibError, OSError):
        namespaces.sweep(cluster.connect())


def _able(nb: nbformat.NotebookNode, cluster: Cluster) -> Cluster | None:
    """Return where a notebook can run: on the cluster, or, where it needs containers, on another one that has some."""
    if nb.metadata.get("kitlib", {}).get("needs") != "containers" or getattr(cluster, "runs_containers", True):
        return cluster
    return next((each for each in clusters.clusters() if each.runs_containers), None)


def _skip(source: Path, nb: nbformat.NotebookNode, build: Path, voice: _Voice) -> NotebookResult:
    name = source.stem
    for old in (build / "notebooks" / source.name, build / "claims" / f"{name}.json"):
        old.unlink(missing_ok=True)
    why = "it needs containers that really run: `kitlib up --provider kind` starts some"
    voice.line(f"{name} · {_title(nb)}")
    voice.line(f"  not run: {why}")
    return NotebookResult(name, source, skipped=why)


def _read(source: Path) -> nbformat.NotebookNode:
    """Read a notebook without its outputs."""
    """Execute one notebook's copy; what happens is in the result, and the copy is written however it ends."""
    import nbformat

    try:
        nb = nbformat.read(source, as_version=4)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise UsageError(
            f"this notebook can't be read: {str(error).splitlines()[0]}",
            step="walk",
            object=str(source),
            next="open it in JupyterLab, or take it from git again",
        ) from error
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nb


def _run(
    source: Path, nb: nbformat.NotebookNode, cluster: Cluster, build: Path, timeout: float, voice: _Voice
) -> NotebookResult:
    name = source.stem
    outcome = NotebookResult(name, build / "notebooks" / source.name, cells=sum(1 for _ in _code_cells(nb)))
    ledger = build / "claims" / f"{name}.json"
    ledger.unlink(missing_ok=True)
    outcome.path.unlink(missing_ok=True)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    voice.line(f"{name} · {_title(nb)}")
    began = time.monotonic()
    try:
        with voice.progress(name, total=outcome.cells), tempfile.TemporaryDirectory(prefix="kitlib-kernel-") as spec:
            run = _Run(nb, outcome, ledger, voice, timeout)
            interrupted = run.to_its_end(_environment(cluster, build), Path(spec))
        outcome.faults = [] if outcome.error else faults(nb)
    finally:
        outcome.seconds = time.monotonic() - began
        _mark(nb, cluster)
        _write(nb, outcome.path)
    if interrupted:
        voice.line(f"  ! stopped; executed so far: {outcome.path}")
        _sweep(cluster)
        raise KeyboardInterrupt
    return outcome


def _title(nb: nbformat.NotebookNode) -> str:
    for cell in nb.cells:
        match = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if match:
            return match.group(1).strip()
    return "untitled"


def _environment(cluster: Cluster, build: Path) -> dict[str, str]:
    """Return the kernel's environment: this one, and what tells the notebook where it is."""
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    environment |= {"KITLIB_BUILD": str(build), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    if cluster.provider == "context":
        environment["KITLIB_CONTEXT"] = cluster.context
        environment["KITLIB_YES_WRITE"] = "1" if getattr(cluster, "writable", False) else ""
    else:
        environment["KITLIB_CLUSTER"] = cluster.name
    return environment


class _Run:
    """One notebook being executed, cell by cell."""

    def __init__(
        self, nb: nbformat.NotebookNode, outcome: NotebookResult, ledger: Path, voice: _Voice, timeout: float
    ) -> None:
        self.nb = nb
        self.outcome = outcome
        self.ledger = ledger
        self.voice = voice
        self.timeout = timeout
        self.interrupted = False
        self.at: tuple[str, nbformat.NotebookNode] | None = None

    def to_its_end(self, environment: dict[str, str], spec: Path) -> bool:
        """Run all cells, also where an event loop runs already (in a notebook); return whether someone stopped it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.execute(environment, spec))
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(asyncio.run, self.execute(environment, spec))
            try:
                return running.result()
            except KeyboardInterrupt:
                self._loop.call_soon_threadsafe(self._stop)
                return running.result()

    async def execute(self, environment: dict[str, str], spec: Path) -> bool:
        """Run all cells; return whether someone stopped it."""
        from nbclient import NotebookClient

        current = asyncio.current_task()
        assert current is not None
        self._main = current
        self._loop = asyncio.get_running_loop()
        manager = _kernel_manager(spec)
        client = NotebookClient(self.nb, km=manager, coalesce_streams=True, record_timing=False)
        with _signals(self._stop):
            try:
                await manager.start_kernel(
                    cwd=str(self.outcome.path.parent),
                    env=environment,
                    extra_arguments=[f"--IPKernelApp.exec_lines={[SHELL_WATCH]!r}"],
                )
                await client.async_start_new_kernel_client()
                await self._cells(client)
            except asyncio.CancelledError:
                self.outcome.error = "it was stopped"
                self._main.uncancel()
            except Exception as error:
                if not self.interrupted:
                    raise
                self.outcome.error = f"it was stopped ({type(error).__name__})"
        if manager.has_kernel:
            if self.interrupted or self.outcome.cells_run < self.outcome.cells:
                with contextlib.suppress(Exception):
                    await manager.interrupt_kernel()
            if client.kc is not None:
                client.kc.stop_channels()
            await manager.shutdown_kernel()
        self._read_ledger()
        return self.interrupted

    def _stop(self) -> None:
        self.interrupted = True
        self._main.cancel()

    async def _cells(self, client: Any) -> None:
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        ticking = asyncio.create_task(self._tick())
        try:
            for place, cell in list(_code_cells(self.nb)):
                index = self.nb.cells.index(cell)
                self.at = (place, cell)
                self.voice.at(place, self.outcome.cells_run)
                client.timeout = _cell_timeout(cell, self.timeout)
                try:
                    await client.async_execute_cell(cell, index, execution_count=self.outcome.cells_run + 1)
                except CellExecutionError:
                    self._read_ledger()
                    self.outcome.error = failure(place, cell)
                    return
                except CellTimeoutError:
                    self.outcome.error = f"{place} took longer than {duration(client.timeout)}\n{_indent(cell.source)}"
                    return
                except DeadKernelError:
                    if self.interrupted:
                        raise
                    self.outcome.error = f"the kernel died in {place}: it was killed, or out of memory"
                    return
                self.outcome.cells_run += 1
                self._read_ledger()
        finally:
            ticking.cancel()

    async def _tick(self) -> None:
        """Let the progress line's clock go on while a cell runs, and tell what the cell itself says of its progress."""
        while True:
            await asyncio.sleep(1)
            if self.at is not None:
                place, cell = self.at
                told = _told(cell)
                self.voice.at(f"{place}: {told}" if told else place)

    def _read_ledger(self) -> None:
        """Print the verdicts that the last cell has added."""
        try:
            document = json.loads(self.ledger.read_text())
        except (OSError, ValueError):
            return
        rows = document.get("claims", [])
        for row in rows[len(self.outcome.claims) :]:
            self.voice.line(verdict_line(row))
        self.outcome.claims = rows
        self.outcome.complete = bool(document.get("complete"))


def _told(cell: nbformat.NotebookNode) -> str:
    """Return the line that a `Progress` shows in a running cell, if one does."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}) if output.output_type == "display_data" else {}
        if set(data) == {"text/plain"}:
            return str(data["text/plain"])
    return ""


def _kernel_manager(spec: Path) -> Any:
    """Return a manager for a kernel of this very Python, whatever kernels are installed for the user."""
    from ipykernel.kernelspec import write_kernel_spec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    write_kernel_spec(str(spec / "kitlib"))
    specs = KernelSpecManager(kernel_dirs=[str(spec)], ensure_native_kernel=False)
    manager = AsyncKernelManager(kernel_name="kitlib", kernel_spec_manager=specs)
    manager.shutdown_wait_time = 20.0  # at its end a notebook may still remove its namespace
    socket = spec / "zmq"
    if os.name == "posix" and len(str(socket)) < 90:  # the name of a Unix socket may have some 100 bytes
        manager.transport, manager.ip = "ipc", str(socket)
    return manager


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C or SIGTERM, where signals can be had (the main thread, not Windows)."""
    loop = asyncio.get_running_loop()
    names: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
    try:
        for name in names:
            loop.add_signal_handler(name, stop)
    except (NotImplementedError, RuntimeError, ValueError):
        names = ()
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)


def _cell_timeout(cell: nbformat.NotebookNode, default: float) -> float:
    for tag in cell.metadata.get("tags", []):
        match = re.fullmatch(r"timeout-(\d+)", tag)
        if match:
            return float(match.group(1))
    return default


def failure(place: str, cell: nbformat.NotebookNode) -> str:
    """Write a failed cell so that the reader needs to open nothing: where, the code, the error with its traceback."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    said = [
        ANSI.sub("", "".join(output.text)).strip()
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stderr"
    ]
    parts = [f"{place} failed", _indent(cell.source, "    | ")]
    parts += [_indent(text) for text in said if text]
    for error in errors:
        trace = ANSI.sub("", "\n".join(error.get("traceback") or [])).strip()
        parts.append(_indent(trace or f"{error.ename}: {error.evalue}"))
    return "\n".join(parts)


def _indent(text: str, lead: str = "    ") -> str:
    return "\n".join(lead + line for line in text.rstrip().splitlines())


def _mark(nb: nbformat.NotebookNode, cluster: Cluster) -> None:
    """Write into the copy where and when it ran, and take out what is only noise on a page."""
    where = cluster.to_dict()
    nb.metadata["kitlib"] = {
        **{key: value for key, value in nb.metadata.get("kitlib", {}).items() if key == "needs"},
        "provider": where.get("provider", ""),
        "version": where.get("version", ""),
        "release": where.get("release", ""),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    nb.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb.metadata["language_info"] = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    for _, cell in _code_cells(nb):
        cell.outputs = [output for output in cell.outputs if not _empty(output)]


def _empty(output: nbformat.NotebookNode) -> bool:
    """Say whether an output shows nothing, as a progress line does once its step has ended."""
    if output.output_type == "display_data":
        return not any(str(value).strip() for value in output.data.values())
    return output.output_type == "stream" and not "".join(output.text).strip()


def _write(nb: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    import nbformat

    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        nbformat.write(nb, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def publish(build: Path, root: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Take executed copies over into notebooks/, to be committed: without paths of this machine.

    Parameters
    ----------
    build : Path
        Where the copies are.
    root : Path
        The checkout.
    names : sequence of str, optional
        Which; all by default.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UsageError
        If a notebook has no executed copy.
    """
    import nbformat

    written = []
    for name in names or reading_order(root):
        copy = build / "notebooks" / f"{name}.ipynb"
        if not copy.is_file():
            raise UsageError(f"{name} has no executed copy", step="publish", object=str(copy), next="run `make walk`")
        text = copy.read_text()
        for place, short in ((str(build), "build"), (str(root), "."), (str(Path.home()), "~")):
            text = text.replace(json.dumps(place)[1:-1] + "/", short + "/")
        nb = nbformat.reads(text, as_version=4)
        _write(nb, root / "notebooks" / f"{name}.ipynb")
        written.append(root / "notebooks" / f"{name}.ipynb")
    return written
