"""A lab: a cluster, a namespace of its own, a recorder that runs all the time, and a ledger."""

from __future__ import annotations

import atexit
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from kitlib import claims
from kitlib import cluster as clusters
from kitlib.cluster import Cluster, namespaces, undo
from kitlib.errors import ClusterError
from kitlib.frames import Frames
from kitlib.frames.nodes import LEASES
from kitlib.lab import exercise as exercises
from kitlib.lab.display import Shown, display
from kitlib.lab.keeping import Keeper, Listening, kept
from kitlib.lab.nodes import PATIENCE, Nodes
from kitlib.lab.step import Step
from kitlib.lab.verbs import Verbs
from kitlib.lab.waits import Waits
from kitlib.machine import paths
from kitlib.recording import Recording, clock
from kitlib.watch import LogFollower, Recorder
from kitlib.watch.runtime import RuntimeFollower


class Ending(Protocol):
    """What can be ended."""

    def close(self) -> None:
        """End it."""


class Lab(Verbs, Waits, Nodes):
    """A notebook's place on a cluster; made by `kitlib.open`.

    Attributes
    ----------
    notebook, namespace : str
    cluster : Cluster
    label : str
        Which version it is on: "1.37", or "1.17-psp" for a variant.
    connection : Connection
    recording : Recording
    begin_ns : int
        When everything had been listed, on the recording's clock.
    ledger : Ledger
    kinds : tuple of str
        What is recorded.
    namespaces : list of str
        Whose objects its frames show: its own, and those that `kinds` or `record_logs` name.
    replayed : bool
        Whether it stands on a recording alone, and nobody can be asked.
    """

    replayed = False
    _beside: Callable[..., dict[str, Lab | ClusterError]]
    """Given by `kitlib.open`."""

    def __init__(
        self, notebook: str, cluster: Cluster, kinds: tuple[str, ...], base: Path, beside: Lab | None = None
    ) -> None:
        self.notebook = notebook
        self.cluster = cluster
        self.label = cluster.name.partition("-")[2] if cluster.made_by_kitlib else cluster.version
        self.base, self.kinds = base, kinds
        connection = self.connection = cluster.connect()
        self.closed = False
        self._deleted = {}
        self._companions: list[Lab] = []
        self._lost: dict[str, Callable[[Cluster, str], None]] = {}
        self._logs: list[LogFollower | RuntimeFollower] = []
        self._kept: list[Ending] = []
        self._attempts: dict[str, exercises.Attempt] = {}
        folder = place()
        if cluster.made_by_kitlib:
            cluster.verify()
            namespaces.sweep(connection)
        self.namespace = namespaces.create(connection, notebook)
        self._undo = undo.Notes(connection, self.namespace)
        others = [kind.rpartition("/")[0] for kind in kinds]
        self.namespaces = list(dict.fromkeys([self.namespace, *(each for each in others if each not in ("", LEASES))]))
        path = folder / "recordings" / (f"{notebook}-{self.label}" if beside else notebook)
        for old in (path, *(() if beside else path.parent.glob(f"{notebook}-[0-9]*"))):
            shutil.rmtree(old, ignore_errors=True)  # also what an earlier run had on other versions
        info = {
            "notebook": notebook,
            "cluster": cluster.name,
            "provider": cluster.provider,
            "version": cluster.version,
            "release": cluster.release,
            "namespace": self.namespace,
            "namespaces": self.namespaces,
            "runs_containers": cluster.runs_containers,
            "node_count": cluster.node_count,
            "answers": True,
        }
        try:
            self.recording = Recording.create(path, info)
            self.recorder = Recorder(connection, kinds, self.recording, self.namespace).start()
            self.begin_ns = clock.monotonic_ns()
            self.recording.describe(begin_ns=self.begin_ns)
            self._keeper = Keeper(self.recording)
            self.connection = Listening(connection, self._keeper)
        except BaseException:
            namespaces.delete(connection, self.namespace, timeout=None)
            raise
        if beside is None:
            claims_path = folder / "claims" / f"{notebook}.json"
            self.ledger = claims.Ledger(notebook, cluster.version, cluster.release, cluster.provider, claims_path)
            claims.use(self.ledger)
        else:
            self.ledger = beside.ledger
            self.ledger.join(cluster.version, cluster.release, cluster.provider)
        atexit.register(self._abandon)

    def __repr__(self) -> str:
        where = "containers run for real" if self.cluster.runs_containers else "Pods are simulated"
        return (
            f"{self.notebook} on {self.cluster.name}: Kubernetes {self.cluster.release}, "
            f"{self.cluster.node_count} nodes, {where}"
        )

    def beside(self, *kubernetes: str) -> dict[str, Lab | ClusterError]:
        """Open labs on further versions beside this one, for `claim(text, each(versions, check), …)`.

        They record the same kinds.

        Returns
        -------
        dict
            Minor version to lab, this one among them; a variant of this one's version by its label, "1.37-event-ttl".
            Where this machine can't have a version, the error says why.
        """
        return self._beside(self, *kubernetes, kinds=self.kinds)

    @kept
    def part(self, name: str) -> str:
        """Have a part beside Kubernetes, such as "otel", on the nodes; return its image's name, for a manifest.

        Raises
        ------
        ClusterError
            If it can't be had here; what stands on it is then unknown, for that reason. See `kitlib.cluster.part`.
        """
        return clusters.part(self.cluster, name)

    @property
    def frames(self) -> Frames:
        """The frames of everything recorded so far."""
        return Frames(self.recording, namespace=self.namespaces)

    def span(self, first: Step, last: Step, lead: float = 0) -> Frames:
        """Return the frames from the start of one step, or up to some seconds before it, to the end of another.

        They begin no earlier than the lab, by when everything had been listed.
        """
        begin = max(first.begin_ns - round(lead * 1e9), min(self.begin_ns, first.begin_ns))
        return Frames(self.recording, begin, last.end_ns, self.namespaces)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Name what happens in a `with` block; at its end the recording has all that the server has."""
        step = Step(self.recording, name, self.namespaces)
        try:
            yield step
            self.catch_up()
        finally:
            step._end()

    def exercise(self, name: str) -> exercises.Attempt:
        """Show one of the notebook's exercises, and set its stage; then work in `with exercise:`, and check.

        Raises
        ------
        UsageError
            If there is none of this name.
        """
        self._attempts[name] = exercises.begin(self, name)
        return self._attempts[name]

    @kept
    def record_logs(
        self, pod: str, container: str | None = None, previous: bool = False, *, namespace: str | None = None
    ) -> LogFollower:
        """Take what a container logs into the recording, from its begin to its end; it goes on in the background.

        What it has logged by now is recorded when this returns, so that the newest line is its newest. The frames
        `logs` and `traffic` are made of it, also after the Pod has gone.

        Parameters
        ----------
        pod : str
            Where Pods are recorded, it is waited for until its container has begun.
        container : str, optional
            Which; needed where the Pod has several.
        previous : bool
            The run before the last restart. A run is followed to its own end only: ask again after a restart.
        namespace : str, optional
            Another one than the lab's own, such as "kube-system"; the frames then show both.

        Raises
        ------
        ServerError
            If there is no such container, or it hasn't begun.
        WaitTimeout
            If what it has logged doesn't come in time.
        """
        self._logs = [each for each in self._logs if not each.ended]
        where = namespace or self.namespace
        if self.recorder.follows("pods", where):
            self.until(lambda: self._begun(pod, container, where), f"a container of {pod} has begun")
        made = LogFollower(self.recorder.connection, self.recording, where, pod, container, previous)
        self._logs.append(made)
        made.catch_up(PATIENCE)
        if where not in self.namespaces:
            self.namespaces.append(where)
            self.recording.describe(namespaces=self.namespaces)
        return made

    def keep(self, running: Ending) -> None:
        """Have what goes on beside the notebook end with the lab: its `close` is called."""
        self._kept.append(running)

    def catch_up(self) -> None:
        """Return when the recording has all that the server has, and all that followed containers have logged."""
        for each in self._logs:
            each.catch_up(PATIENCE)
        self.recorder.catch_up(PATIENCE)

    def close(self) -> claims.Ledger:
        """End the lab: put back what isn't its own, stop recording, remove the namespace, show the ledger.

        Labs that were opened beside it end first. Where a notebook has several, the ledger ends with the last of them.

        Raises
        ------
        ClaimError
            If a verdict wasn't the expected one.
        """
        for each in self._companions:
            if not each.closed:
                each.close()
        if not self.closed:
            self._shut()
            try:
                self.recorder.stop()
                self.recording.close()
            finally:
                self._leave()
        if all(lab.ledger is not self.ledger for lab in opened):
            display(repr(self.ledger), self.ledger._repr_html_())
            exercises.tell(self._attempts.values())
            self.ledger.close()
        return Shown(self.ledger)  # type: ignore[return-value]

    def _abandon(self, stays: bool = False) -> None:
        """When the kernel ends in the middle: leave nothing behind, but the cluster where another lab is to have it."""
        if not self.closed:
            self._shut(stays)
            self.recorder.stop()
            self.recording.close()
            self._leave(stays)

    def _leave(self, stays: bool = False) -> None:
        """Remove the namespace; a cluster that was made for this notebook goes as a whole."""
        if stays or not clusters.give_back(self.cluster):
            namespaces.delete(self.connection, self.namespace, timeout=None)

    def _shut(self, stays: bool = False) -> None:
        self.closed = True
        self._keeper.end()
        for each in (*self._kept, *self._logs):
            each.close()
        if stays or not clusters.is_lent(self.cluster):
            self._give_back()
        atexit.unregister(self._abandon)
        if self in opened:
            opened.remove(self)


opened: list[Lab] = []
"""The labs that were opened and not closed, the newest last; several only on clusters of several versions."""


def place() -> Path:
    """Return where labs leave claims and recordings: KITLIB_BUILD, or the user's state."""
    build = os.environ.get("KITLIB_BUILD")
    return Path(build) if build else paths.state()
