"""A lab: a cluster, a namespace of its own, a recorder that runs all the time, and a ledger."""

from __future__ import annotations

import atexit
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from kitlib import claims, objects
from kitlib import cluster as clusters
from kitlib.cluster import Cluster, namespaces, undo
from kitlib.errors import ClusterError, WaitTimeout
from kitlib.frames import Frames
from kitlib.frames.nodes import LEASES
from kitlib.lab import exercise as exercises
from kitlib.lab.display import Shown, display, show_wait
from kitlib.lab.nodes import PATIENCE, Nodes
from kitlib.lab.step import Step
from kitlib.lab.verbs import Verbs
from kitlib.machine import paths
from kitlib.progress import duration
from kitlib.recording import Recording, clock
from kitlib.watch import LogFollower, Recorder
from kitlib.watch.runtime import RuntimeFollower


class Ending(Protocol):
    """What can be ended."""

    def close(self) -> None:
        """End it."""


class Lab(Verbs, Nodes):
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
    """

    _beside: Callable[..., dict[str, Lab | ClusterError]]
    """Given by `kitlib.open`."""

    def __init__(
        self, notebook: str, cluster: Cluster, kinds: tuple[str, ...], base: Path, beside: Lab | None = None
    ) -> None:
        self.notebook = notebook
        self.cluster = cluster
        self.label = cluster.name.partition("-")[2] if cluster.made_by_kitlib else cluster.version
        self.base, self.kinds = base, kinds
        self.connection = cluster.connect()
        self.closed = False
        self._deleted = {}
        self._companions: list[Lab] = []
        self._lost: dict[str, Callable[[Cluster, str], None]] = {}
        self._logs: list[LogFollower | RuntimeFollower] = []
        self._kept: list[Ending] = []
        self._attempts: dict[str, exercises.Attempt] = {}
        folder = _folder()
        if cluster.made_by_kitlib:
            cluster.verify()
            namespaces.sweep(self.connection)
        self.namespace = namespaces.create(self.connection, notebook)
        self._undo = undo.Notes(self.connection, self.namespace)
        others = [kind.rpartition("/")[0] for kind in kinds]
        self.namespaces = list(dict.fromkeys([self.namespace, *(each for each in others if each not in ("", LEASES))]))
        path = folder / "recordings" / (f"{notebook}-{self.label}" if beside else notebook)
        shutil.rmtree(path, ignore_errors=True)
        info = {
            "notebook": notebook,
            "cluster": cluster.name,
            "provider": cluster.provider,
            "version": cluster.version,
            "release": cluster.release,
            "namespace": self.namespace,
            "namespaces": self.namespaces,
        }
        try:
            self.recording = Recording.create(path, info)
            self.recorder = Recorder(self.connection, kinds, self.recording, self.namespace).start()
            self.begin_ns = clock.monotonic_ns()
        except BaseException:
            namespaces.delete(self.connection, self.namespace, timeout=None)
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
        """Return the frames from the begin of one step, or up to some seconds before it, to the end of another.

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

    def wait(self, ref: str, *, namespace: str | None = None, timeout: float = PATIENCE, **goal: Any) -> None:
        """Wait for an object, and say how long it took; goals as of `kitlib.objects.wait`.

        Parameters
        ----------
        ref : str
            "deployment/web".
        namespace : str, optional
            Another one than the lab's own.
        timeout : float
            Seconds.
        **goal
            `rolled_out=True`, `settled=True`, `deleted=True`, `condition="Available"` …

        Raises
        ------
        WaitTimeout
            When the time is over; it says why.
        """
        where = namespace or self.namespace
        needed = [objects.find(self.connection, ref)[0].plural, *["pods"] * (where != self.namespace)]
        recorder = self.recorder if all(self.recorder.follows(each, where) for each in needed) else None
        known = goal.get("deleted") and where == self.namespace
        uid = self._deleted.get(ref) if known else None  # another may have its name by now
        seconds = objects.wait(self.connection, ref, where, **{"uid": uid, **goal}, timeout=timeout, recorder=recorder)
        words = next(
            (str(goal.get("what") or (value if isinstance(value, str) else key)) for key, value in goal.items())
        )
        text = f"{ref}: {words.replace('_', ' ')} after {duration(seconds)}"
        if not self._quiet:
            show_wait(text)

    def wait_ready(self, label: str, count: int, without: Iterable[str] = (), timeout: float = PATIENCE) -> None:
        """Wait until so many Pods with a label, and no others, are there and Ready; those that are ending don't count.

        Parameters
        ----------
        label : str
            "app=web".
        count : int
            How many.
        without : iterable of str
            The uids of Pods that must not be among them.
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If it isn't so in time.
        """
        key, _, value = label.partition("=")
        old, began, standing = set(without), time.monotonic(), ""

        def so() -> bool:
            nonlocal standing
            mine = [pod for pod in self._here("pods") if pod["metadata"].get("labels", {}).get(key) == value]
            mine = [pod for pod in mine if "deletionTimestamp" not in pod["metadata"]]
            ready = [pod["metadata"]["uid"] for pod in mine if objects.has_condition(pod, "Ready")]
            standing = f"{len(ready)} of {len(mine)} Pods are Ready"
            return len(ready) == len(mine) == count and not old & set(ready)

        if not self.recorder.wait_for(so, timeout):
            raise WaitTimeout(
                f"not {count} Ready within {duration(timeout)}: {standing}",
                step="wait for Pods",
                object=label,
                next=f"kubectl describe pods --selector {label}",
            )
        text = f"{label}: {count} Ready after {duration(time.monotonic() - began)}"
        if not self._quiet:
            show_wait(text)

    def until(self, predicate: Callable[[], Any], what: str, timeout: float = PATIENCE) -> None:
        """Wait until something is so, asked at every change that is recorded.

        Parameters
        ----------
        predicate : callable
            True when it is so.
        what : str
            The same in words, for the time-out's message.
        timeout : float
            Seconds.

        Raises
        ------
        WaitTimeout
            If it isn't so in time.
        """
        deadline = time.monotonic() + timeout
        seen = len(self.recording)
        while not predicate():  # without the recording's lock: a frame takes its time, and rows come meanwhile
            left = deadline - time.monotonic()
            if left <= 0 or not self.recorder.wait_for(partial(self._more_than, seen), left):
                raise WaitTimeout(
                    f"not so within {duration(timeout)}",
                    step="wait for",
                    object=what,
                    next="%kubectl shows what is there instead",
                )
            seen = len(self.recording)

    def _more_than(self, seen: int) -> bool:
        return len(self.recording) > seen

    def owned(self, plural: str, owner: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now and are owned by one of this name, as far as recorded."""
        return [
            item
            for item in self._here(plural)
            if any(reference["name"] == owner for reference in item["metadata"].get("ownerReferences") or ())
        ]

    def _here(self, plural: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now in a namespace, the lab's own if None, or in none."""
        where = (namespace or self.namespace, "", None)
        return [item for item in self.recorder.latest(plural) if item["metadata"].get("namespace") in where]

    def record_logs(
        self, pod: str, container: str | None = None, previous: bool = False, *, namespace: str | None = None
    ) -> LogFollower:
        """Take what a container logs into the recording, from its begin to its end; it goes on in the background.

        The frames `logs` and `traffic` are made of it, also after the Pod has gone.

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
        """
        self._logs = [each for each in self._logs if not each.ended]
        where = namespace or self.namespace
        if self.recorder.follows("pods", where):
            self.until(lambda: self._begun(pod, container, where), f"a container of {pod} has begun")
        made = LogFollower(self.connection, self.recording, where, pod, container, previous)
        self._logs.append(made)
        if where not in self.namespaces:
            self.namespaces.append(where)
            self.recording.describe(namespaces=self.namespaces)
        return made

    def keep(self, running: Ending) -> None:
        """Have what goes on beside the notebook end with the lab: its `close` is called."""
        self._kept.append(running)

    def _begun(self, pod: str, container: str | None, namespace: str) -> bool:
        """Say whether a container runs or has run; each of them if none is named."""
        found = next((each for each in self._here("pods", namespace) if each["metadata"]["name"] == pod), {})
        status = found.get("status", {})
        told = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        mine = [each for each in told if container in (None, each["name"])]
        return bool(mine) and all(each["restartCount"] or "waiting" not in each["state"] for each in mine)

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
                namespaces.delete(self.connection, self.namespace, timeout=None)
        if all(lab.ledger is not self.ledger for lab in opened):
            display(repr(self.ledger), self.ledger._repr_html_())
            exercises.tell(self._attempts.values())
            self.ledger.close()
        return Shown(self.ledger)  # type: ignore[return-value]

    def _abandon(self) -> None:
        """When the kernel ends in the middle: leave nothing behind."""
        if not self.closed:
            self._shut()
            self.recorder.stop()
            self.recording.close()
            namespaces.delete(self.connection, self.namespace, timeout=None)

    def _shut(self) -> None:
        self.closed = True
        for each in (*self._kept, *self._logs):
            each.close()
        self._give_back()
        atexit.unregister(self._abandon)
        if self in opened:
            opened.remove(self)


opened: list[Lab] = []
"""The labs that were opened and not closed, the newest last; several only on clusters of several versions."""


def _folder() -> Path:
    build = os.environ.get("KITLIB_BUILD")
    return Path(build) if build else paths.state()
