"""A lab of a recording: its cluster's place is taken by what was recorded of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kitlib import claims
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.errors import ClusterError, NotKept
from kitlib.frames import Frames
from kitlib.lab.display import show_lab
from kitlib.lab.lab import Lab, opened, place
from kitlib.lab.replay.kept import Answers, Kept, Seen
from kitlib.lab.step import Step
from kitlib.machine import versions
from kitlib.recording import Recording


@dataclass(frozen=True)
class Recorded(Cluster):
    """The cluster that a recording was made on; it can't be reached.

    Parameters
    ----------
    home : Path or None
        The folder of the recording.
    date : str
        The day on which that was begun: "2026-11-29".
    """

    date: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, with `recorded`: the day."""
        return {**super().to_dict(), "recorded": self.date}

    def verify(self) -> None:
        """Do nothing: nothing is written to it."""

    def connect(self) -> Connection:
        """Raise `NotKept`: nobody is asked any more."""
        raise NotKept("there is no server")


def cluster_of(recording: Recording) -> Recorded:
    """Return the cluster that a recording was made on."""
    info = recording.info
    return Recorded(
        name=info["cluster"],
        provider=info["provider"],
        version=info["version"],
        release=info["release"],
        kubeconfig=Path(),
        context="",
        runs_containers=info.get("runs_containers", info["provider"] == "kind"),
        node_count=info.get("node_count", 0),
        made_by_kitlib=False,
        writable=False,
        home=recording.path,
        date=date_of(recording),
    )


def date_of(recording: Recording) -> str:
    """Return the day on which a recording was begun: "2026-11-29"."""
    return time.strftime("%Y-%m-%d", time.gmtime(recording.info.get("created", 0)))


class RecordedStep(Step):
    """A step of a lesson, as it was recorded.

    Parameters
    ----------
    recording : Recording
    name : str
    namespaces : list of str
    begin_ns, end_ns : int
        On the recording's clock.
    """

    end_ns: int

    def __init__(self, recording: Recording, name: str, namespaces: list[str], begin_ns: int, end_ns: int) -> None:
        self.name, self.begin_ns, self.end_ns = name, begin_ns, end_ns
        self._recording, self._namespaces = recording, namespaces
        self._frames: Frames | None = None


class Replayed(Lab):
    """A lab that stands on a recording alone: the same words, answered by what was recorded.

    Parameters
    ----------
    recording : Recording
        With the notebook's name in it, as a lab writes it.
    base : Path
        What manifests' paths are relative to.
    beside : Lab, optional
        The lab beside which it is opened; its ledger is shared.
    ledger : Ledger, optional
        Where claims go; one that is written to build/claims/NAME.json by default.
    """

    replayed = True
    _keeper: Kept
    _recorded = staticmethod(Recording.open)

    def __init__(
        self, recording: Recording, base: Path, beside: Lab | None = None, ledger: claims.Ledger | None = None
    ) -> None:
        info = recording.info
        self.recording, self.base = recording, base
        self.notebook, self.namespace = info["notebook"], info["namespace"]
        self.namespaces = info.get("namespaces", [self.namespace])
        self.cluster = cluster_of(recording)
        self.label = self.cluster.version if info["provider"] == "context" else self.cluster.name.partition("-")[2]
        self.kinds = ()
        self.closed = False
        self._companions, self._kept, self._logs, self._attempts = [], [], [], {}
        kept = self._keeper = Kept(recording)
        self._position = kept.position
        self.connection = Answers(kept)  # type: ignore[assignment]
        self.recorder = Seen(kept, *self.namespaces)  # type: ignore[assignment]
        self.begin_ns = info.get("begin_ns") or _listed_ns(recording)
        if beside is None:
            self.ledger = ledger or self._ledger()
            claims.use(self.ledger)
        else:
            self.ledger = beside.ledger
            self.ledger.join(info["version"], info["release"], info["provider"])

    def _ledger(self) -> claims.Ledger:
        cluster, path = self.cluster, place() / "claims" / f"{self.notebook}.json"
        when = date_of(self.recording)
        return claims.Ledger(self.notebook, cluster.version, cluster.release, cluster.provider, path, when)

    def __repr__(self) -> str:
        where = f"{self.cluster.provider}, Kubernetes {self.cluster.release}"
        return f"{self.notebook} on a recording: {where}, {date_of(self.recording)}"

    @property
    def frames(self) -> Frames:
        """The frames of what had been recorded by now."""
        self._keeper.on()
        return Frames(self.recording, end_ns=self._position.between[1], namespace=self.namespaces)

    def span(self, first: Step, last: Step, lead: float = 0) -> Frames:
        """Return the frames from the start of one step to the end of another; see `Lab.span`."""
        self._keeper.on()
        return super().span(first, last, lead)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Stand for a step of this name while the block runs: what is said in it is answered from there."""
        self._keeper.on()
        begin_ns, end_ns = self._position.enter(name)
        yield RecordedStep(self.recording, name, self.namespaces, begin_ns, end_ns)
        self._position.leave(begin_ns)

    def beside(self, *kubernetes: str) -> dict[str, Lab | ClusterError]:
        """Return labs of what was recorded beside this one; the error says of which versions nothing was."""
        own = self.recording.info["version"]
        found: dict[str, Lab | ClusterError] = {}
        for version in kubernetes:
            release = versions.offered(version)
            minor = release.minor if release else versions.minor_of(version)
            label = release.label if release else minor
            name = label if minor == own else minor
            try:
                found[name] = made = self.on(label)
                self._companions.append(made)
                opened.append(made)
            except ClusterError as error:
                show_lab(f"Without Kubernetes {version}: {error}")
                found[name] = error
        return found | {own: self}

    def on(self, label: str) -> Replayed:
        """Return a lab of what was recorded on a version, this one or one beside it.

        Parameters
        ----------
        label : str
            "1.37", or "1.17-psp" for a variant.

        Raises
        ------
        ClusterError
            If nothing was.
        """
        if label == self.label:
            return self
        path = (self.recording.path or Path("none")).with_name(f"{self.notebook}-{label}")
        if not path.is_dir():
            raise ClusterError(
                "nothing was recorded of it",
                step="open the recording",
                object=path.name,
                next="run the lesson on a cluster: this machine may be able to have that version",
            )
        return Replayed(self._recorded(path), self.base, beside=self)

    def catch_up(self) -> None:
        """Do nothing: all that was recorded is there."""

    def close(self) -> claims.Ledger:
        """End it, and show the ledger; see `Lab.close`."""
        self._end()
        return super().close()

    def _abandon(self, stays: bool = False) -> None:
        self._end()

    def _end(self) -> None:
        self.closed = True
        if self in opened:
            opened.remove(self)


def _listed_ns(recording: Recording) -> int:
    """Return when everything had been listed, as far as rows tell: before the first step."""
    found = 0
    for row in recording.rows:
        if row.type == "STEP":
            break
        found = row.monotonic_ns if row.origin == "list" else found
    return found


__all__ = ["Recorded", "RecordedStep", "Replayed", "cluster_of", "date_of"]
