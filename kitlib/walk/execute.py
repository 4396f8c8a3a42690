"""Run notebooks on a cluster: in reading order, and each one cell by cell."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitlib import cluster as clusters
from kitlib.errors import UsageError
from kitlib.lessons import recordings
from kitlib.progress import duration
from kitlib.walk import kernel, lessons, report
from kitlib.walk.results import NotebookResult, WalkResult

if TYPE_CHECKING:
    import nbformat

    from kitlib.cluster import Cluster

CELL_TIMEOUT = 600.0
"""Seconds a cell may take, more than two waits that give up; the tag `timeout-N` on a cell allows it N."""


def walk(
    notebooks: Sequence[str] | None,
    cluster: Cluster | None,
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
    cluster : Cluster or None
        Where they run. An object with `name`, `provider`, `context` and `to_dict()` is enough. Those that it can't run
        are walked on the recordings that the lessons bring; all are, if it is None.
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
    root = (root or lessons.checkout()).resolve()
    build = (build or root / "build").resolve()
    voice = report.Voice(progress, say)
    sources = [lessons.find(name, root) for name in notebooks or lessons.reading_order(root)]
    if not sources:
        raise UsageError("there is no notebook to run", step="walk", object=str(root / "notebooks"))
    began = time.monotonic()
    result = WalkResult(cluster=cluster.to_dict() if cluster else {})
    for source in sources:
        lessons.copy_beside(source.parent, build / "notebooks", everything=source.parent == root / "notebooks")
        nb = lessons.read(source)
        place = _able(nb, cluster) or _recorded(source.stem, root)
        if place is None:
            why = "it needs containers that really run" if cluster else "there is no recording of it"
            result.notebooks.append(_skip(source, nb, build, voice, why))
            continue
        outcome = _run(source, nb, place, build, timeout, voice)
        result.notebooks.append(outcome)
        if not outcome.ok:
            _sweep(place)
        for problem in outcome.problems:
            voice.line(f"  ! {problem}")
    result.seconds = time.monotonic() - began
    voice.line(report.summary(result))
    return result


def _sweep(cluster: Cluster) -> None:
    """Bring back the nodes that a failed notebook left, and remove its namespace; the next `kitlib up` would, too."""
    if not getattr(cluster, "made_by_kitlib", False):
        return
    from kitlib.cluster import namespaces
    from kitlib.errors import KitlibError

    with contextlib.suppress(KitlibError, OSError):
        clusters.mend(cluster)
    with contextlib.suppress(KitlibError, OSError):
        namespaces.sweep(cluster.connect())


def _able(nb: nbformat.NotebookNode, cluster: Cluster | None) -> Cluster | None:
    """Return where a notebook can run: on the cluster, or, where it needs containers, on another one that has some."""
    if (
        cluster is None
        or nb.metadata.get("kitlib", {}).get("needs") != "containers"
        or getattr(cluster, "runs_containers", True)
    ):
        return cluster
    return next((each for each in clusters.clusters() if each.runs_containers), None)


def _recorded(name: str, root: Path) -> Cluster | None:
    """Return what was recorded of a notebook, as the cluster that it stands for: of several versions the newest."""
    path = recordings.find(name, root)
    if path is None:
        return None
    from kitlib.claims import version_order
    from kitlib.lab.replay import cluster_of
    from kitlib.recording import Recording

    found = [cluster_of(Recording.open(each)) for each in (path, *recordings.beside(path))]
    return max(found, key=lambda each: version_order(each.version))


def _skip(source: Path, nb: nbformat.NotebookNode, build: Path, voice: report.Voice, why: str) -> NotebookResult:
    name = source.stem
    for old in (build / "notebooks" / source.name, build / "claims" / f"{name}.json"):
        old.unlink(missing_ok=True)
    voice.line(f"{name} · {lessons.title(nb)}")
    voice.line(f"  not run: {why}")
    return NotebookResult(name, source, skipped=why)


def _run(
    source: Path, nb: nbformat.NotebookNode, cluster: Cluster, build: Path, timeout: float, voice: report.Voice
) -> NotebookResult:
    """Execute one notebook's copy; what happens is in the result, and the copy is written however it ends."""
    name = source.stem
    outcome = NotebookResult(name, build / "notebooks" / source.name, cells=sum(1 for _ in report.code_cells(nb)))
    ledger = build / "claims" / f"{name}.json"
    ledger.unlink(missing_ok=True)
    outcome.path.unlink(missing_ok=True)
    ledger.parent.mkdir(parents=True, exist_ok=True)
    where = cluster.to_dict()
    recorded = recordings.described({**where, "date": where["recorded"]}) if where.get("recorded") else ""
    outcome.recorded = recorded
    voice.line(f"{name} · {lessons.title(nb)}" + (f" · {recorded}" if recorded else ""))
    began = time.monotonic()
    try:
        with voice.progress(name, total=outcome.cells), tempfile.TemporaryDirectory(prefix="kitlib-kernel-") as spec:
            run = _Run(nb, outcome, ledger, voice, timeout)
            interrupted = run.to_its_end(kernel.environment(cluster, build), Path(spec))
        outcome.output_problems = [] if outcome.error else report.output_problems(nb)
    finally:
        outcome.seconds = time.monotonic() - began
        _mark(nb, cluster)
        lessons.write(nb, outcome.path)
    if interrupted:
        voice.line(f"  ! stopped; executed so far: {outcome.path}")
        _sweep(cluster)
        raise KeyboardInterrupt
    return outcome


class _Run:
    """One notebook being executed, cell by cell."""

    def __init__(
        self, nb: nbformat.NotebookNode, outcome: NotebookResult, ledger: Path, voice: report.Voice, timeout: float
    ) -> None:
        self.nb = nb
        self.outcome = outcome
        self.ledger = ledger
        self.voice = voice
        self.timeout = timeout
        self.interrupted = False
        self._ran = 0
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
        manager = kernel.manager(spec)
        client = NotebookClient(self.nb, km=manager, coalesce_streams=True, record_timing=False)
        with kernel.signals(self._stop):
            try:
                await manager.start_kernel(
                    cwd=str(self.outcome.path.parent),
                    env=environment,
                    extra_arguments=[
                        f"--IPKernelApp.exec_lines={[kernel.SHELL_WATCH]!r}",
                        "--IPKernelApp.log_level=50",  # or it tells the terminal that it was interrupted
                    ],
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
            for place, cell in list(report.code_cells(self.nb)):
                index = self.nb.cells.index(cell)
                self.at = (place, cell)
                self.voice.at(place, self.outcome.cells_run)
                client.timeout = _cell_timeout(cell, self.timeout)
                try:
                    if report.SKIP_TAG not in cell.metadata.get("tags", []):
                        self._ran += 1
                        await client.async_execute_cell(cell, index, execution_count=self._ran)
                except CellExecutionError:
                    self._read_ledger()
                    self.outcome.error = report.failure(place, cell)
                    return
                except CellTimeoutError:
                    self.outcome.error = (
                        f"{place} took longer than {duration(client.timeout)}\n{report.indent(cell.source)}"
                    )
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
                progress = _progress_of(cell)
                self.voice.at(f"{place}: {progress}" if progress else place)

    def _read_ledger(self) -> None:
        """Print the verdicts that the last cell has added."""
        try:
            document = json.loads(self.ledger.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        rows = document.get("claims", [])
        for row in rows[len(self.outcome.claims) :]:
            self.voice.line(report.verdict_line(row))
        self.outcome.claims = rows
        self.outcome.complete = bool(document.get("complete"))


def _progress_of(cell: nbformat.NotebookNode) -> str:
    """Return the line that a `Progress` shows in a running cell, if one does."""
    for output in reversed(cell.outputs):
        data = output.get("data", {}) if output.output_type == "display_data" else {}
        if set(data) == {"text/plain"}:
            return str(data["text/plain"])
    return ""


def _cell_timeout(cell: nbformat.NotebookNode, default: float) -> float:
    for tag in cell.metadata.get("tags", []):
        match = re.fullmatch(r"timeout-(\d+)", tag)
        if match:
            return float(match.group(1))
    return default


def _mark(nb: nbformat.NotebookNode, cluster: Cluster) -> None:
    """Write into the copy where and when it ran, and take out what is only noise on a page."""
    where = cluster.to_dict()
    nb.metadata["kitlib"] = {
        **{key: value for key, value in nb.metadata.get("kitlib", {}).items() if key == "needs"},
        "provider": where.get("provider", ""),
        "version": where.get("version", ""),
        "release": where.get("release", ""),
        "date": where.get("recorded") or time.strftime("%Y-%m-%d", time.gmtime()),
        **({"recorded": True} if where.get("recorded") else {}),
    }
    nb.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb.metadata["language_info"] = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    for _, cell in report.code_cells(nb):
        if report.SKIP_TAG in cell.metadata.get("tags", []):
            continue
        cell.outputs = [output for output in cell.outputs if not _empty(output)]


def _empty(output: nbformat.NotebookNode) -> bool:
    """Say whether an output shows nothing, as a progress line does once its step has ended."""
    if output.output_type == "display_data":
        return not any(str(value).strip() for value in output.data.values())
    return output.output_type == "stream" and not "".join(output.text).strip()
