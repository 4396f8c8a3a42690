"""What a scenario is: what befalls the recorder, when, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.proxy import Fault


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to the world at a time.

    Parameters
    ----------
    at : float
        Seconds after the recorder had listed everything.
    what : str
        close, open (the proxy's door), reset, forbid, permit, compact, clock (to so many seconds off), kill (the
        recorder), kill-server, start-server, vanish, return (the kind that comes and goes), burst (so many writes of
        nearly a megabyte), rest (for so many seconds), move (the proxy to another port, which the kubeconfig file
        then names), rewind (the store stands behind what was shown of it), upset (what is recorded next meets an error
        that nobody expects), stop (the recorder, in good order).
    value : float
    """

    at: float
    what: str
    value: float = 0


@dataclass(frozen=True, slots=True)
class LogFault:
    """What is done to one connection by which a log is followed, the first of them first.

    Parameters
    ----------
    kind : str
        fin, rst (it is cut), trouble (the kubelet says, in a line without a stamp, that it can't go on), refuse (it
        isn't answered).
    at : int
        After so many lines of it.
    between : tuple of str
        What happens before the next connection: "write 20" (lines), rotate, restart, gone (with its Pod).
    """

    kind: str
    at: int = 0
    between: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPlan:
    """A log that is followed.

    Parameters
    ----------
    before, then : tuple of str
        What happens before it is followed, and from then on; see `LogFault`.
    faults : tuple of LogFault
        One for each connection, until there is none left.
    gapless : bool
        Whether nothing can be missing.
    """

    before: tuple[str, ...]
    then: tuple[str, ...]
    faults: tuple[LogFault, ...]
    gapless: bool = False


@dataclass(frozen=True)
class Scenario:
    """What a number stands for.

    Parameters
    ----------
    number, seed : int
    family : str
        Which of `FAMILIES`.
    faults : tuple of Fault
        What the proxy does.
    acts : tuple of Act
        What else is done.
    seconds, writes : float and int
        How long the workload writes, and how often.
    before : int
        How many writes come before the recorder starts.
    watch_seconds : int
        The recorder's own; half a second of silence more, and it opens a watch anew.
    page : int
        Objects in a page of its lists.
    on_disk, outside : bool
        Whether it records to disk, and in a process of its own.
    start, list_seconds : float
        How long the recorder waits for a page of its first lists, and for one that it has asked for.
    early : bool
        Whether the workload begins before the recorder does.
    quiet : str
        A stream to which the workload writes nothing but its last object.
    upset : str
        What the act of that name does: "error" (one that passes), "dies" (ends a thread), "disk" (is full).
    silenced : tuple of str
        Streams that can't reach their end.
    says : str
        What the reason must tell for which those streams aren't covered to their end.
    gapless : bool
        Whether there must be no gap at all.
    short : bool
        Whether kinds are asked for without their groups, so that all APIs are looked at.
    log : LogPlan or None
        A log that is followed instead of kinds that are recorded.
    must : tuple of str
        What has to have struck, as it is noted; anything if empty.
    """

    number: int
    seed: int
    family: str
    faults: tuple[Fault, ...] = ()
    acts: tuple[Act, ...] = ()
    seconds: float = 1.4
    writes: int = 70
    before: int = 12
    watch_seconds: int = 1
    page: int = 500
    on_disk: bool = False
    outside: bool = False
    start: float = 30
    list_seconds: float = 120
    early: bool = False
    quiet: str = ""
    upset: str = ""
    silenced: tuple[str, ...] = ()
    says: str = ""
    gapless: bool = False
    short: bool = False
    log: LogPlan | None = None
    must: tuple[str, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The kinds of faults in it."""
        logs = {f"log {fault.kind}" for fault in self.log.faults} if self.log else set()
        return sorted(logs | {called(fault) for fault in self.faults} | {ACTS[act.what] for act in self.acts} - {""})

    @property
    def passing(self) -> bool:
        """Whether it has the kind that comes and goes."""
        return any(act.what == "vanish" for act in self.acts)

    @property
    def alone(self) -> bool:
        """Whether it takes the API server from all others."""
        return any(act.what == "kill-server" for act in self.acts)


ACTS = {
    "close": "refuse",
    "open": "",
    "reset": "reset",
    "forbid": "forbid",
    "permit": "",
    "compact": "compact etcd",
    "clock": "step the clock",
    "kill": "kill the recorder",
    "kill-server": "kill the API server",
    "start-server": "",
    "vanish": "delete a kind",
    "return": "",
    "burst": "backlog",
    "rest": "",
    "move": "move the server",
    "rewind": "rewind the store",
    "upset": "an error within",
    "stop": "stop the recorder",
}


def called(fault: Fault) -> str:
    """Return what a fault is called in words."""
    name = f"{fault.kind} {fault.code}" if fault.code else fault.kind
    if fault.form:
        name += f" {fault.form}"
    if fault.kind == "cut":
        name += f" {fault.how}"
    if fault.kind == "stall" and fault.after == 0:
        name += " after headers"
    return f"{name} ({fault.verb})"


__all__ = ["ACTS", "Act", "LogFault", "LogPlan", "Scenario", "called"]
