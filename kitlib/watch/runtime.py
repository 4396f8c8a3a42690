"""What a node's container runtime does, taken into a recording as it says it: no API server is asked."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kitlib.cluster.kind.node import Node
from kitlib.errors import ClusterError, WaitTimeout
from kitlib.frames.runtime import MARK
from kitlib.recording import Recording, clock

CTR = ("ctr", "--namespace", "k8s.io")
SAID = re.compile(r"(?P<stamp>\S+ \S+) \+0000 UTC \S+ /tasks/(?P<topic>start|exit) (?P<event>\{.*\})")
"""A line of `ctr events`: Go's way to write a time, then namespace, topic and what happened."""
MARKED = re.compile(r' /namespaces/create \{"name":"(kitlib-[0-9a-f]+)"')
THERE = f"for id in $({' '.join(CTR)} tasks ls --quiet); do {' '.join(CTR)} containers info $id || true; done"


class RuntimeFollower:
    """Follow a node's containerd by its own event stream, and note each container that starts or ends.

    Parameters
    ----------
    node : Node
        Of a kind cluster that kitlib made.
    recording : Recording
        Where marks go; the frame `runtime` is made of them.

    Raises
    ------
    ClusterError
        If the node's runtime doesn't answer.
    """

    def __init__(self, node: Node, recording: Recording) -> None:
        self.node = node
        self._recording = recording
        self._known: dict[str, dict[str, str]] = {}
        self._closed = False
        self._mark = ""
        self._program = node.follow([*CTR, "events"])
        for labels, began in self._there():
            self._known[labels["containerID"]] = labels
            self._note({"what": "running", **labels}, began)
        self._thread = threading.Thread(target=self._follow, name=f"runtime of {node.name}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether its stream has come to an end."""
        return not self._thread.is_alive()

    def catch_up(self, timeout: float = 60) -> None:
        """Return when all that has happened on the node by now is recorded: a mark among its events has come back.

        Raises
        ------
        WaitTimeout
            If it hasn't in time.
        """
        mark = f"kitlib-{secrets.token_hex(4)}"
        self.node.run(["sh", "-ec", f"ctr namespaces create {mark}; ctr namespaces remove {mark}"])
        with self._recording.changed:
            if not self._recording.changed.wait_for(lambda: self._mark == mark or self.ended, timeout):
                raise WaitTimeout(
                    f"its runtime's events lag by more than {timeout:.0f} s",
                    step="catch up",
                    object=self.node.name,
                    next="the machine has too much to do; try again later",
                )

    def close(self) -> None:
        """Follow it no longer."""
        self._closed = True
        self._program.kill()
        self._program.wait()
        self._thread.join(timeout=5)

    def _there(self) -> Iterator[tuple[dict[str, str], int]]:
        """Yield what runs now, and since when (wall clock, ns)."""
        text, decoder = self.node.run(["sh", "-c", THERE]).strip(), json.JSONDecoder()
        while text:
            info, end = decoder.raw_decode(text)
            text = text[end:].strip()
            if labels := _labels(info):
                yield labels, _nanoseconds(info["CreatedAt"])

    def _follow(self) -> None:
        assert self._program.stdout is not None
        known = clock.monotonic_ns()
        for line in self._program.stdout:
            if mark := MARKED.search(line):
                with self._recording.changed:
                    self._mark = mark[1]
                    self._recording.changed.notify_all()
            said = SAID.match(line)
            if not said:
                continue
            event = json.loads(said["event"])
            which = event.get("container_id", "")
            if event.get("id", which) != which:  # a program that was run in a container has ended
                continue
            what: dict[str, Any] = {"what": "running"}
            if said["topic"] == "exit":
                what = {"what": "ended", "exitCode": event.get("exit_status", 0)}
            elif which not in self._known:
                self._learn(which)
            if labels := self._known.get(which):
                self._note({**what, **labels}, _nanoseconds(said["stamp"].replace(" ", "T") + "Z"))
            known = clock.monotonic_ns()
        if not self._closed:
            name = self.node.name
            reason = "the runtime's events have ended"
            self._recording.mark(
                "GAP", name, f"runtime/{name}", kind=MARK, after_ns=known, until_ns=None, reason=reason
            )

    def _learn(self, which: str) -> None:
        """Ask whose container it is."""
        try:
            info = json.loads(self.node.run([*CTR, "containers", "info", which]))
        except (ClusterError, ValueError):  # it has gone already
            return
        if labels := _labels(info):
            self._known[which] = labels

    def _note(self, said: dict[str, Any], at: int) -> None:
        note(self._recording, self.node.name, said, at)


def note(recording: Recording, node: str, said: dict[str, Any], at: int) -> None:
    """Note in a recording what a node said or did, and when (the node's wall clock, ns)."""
    recording.mark(MARK, node, stream=f"runtime/{node}", at=at or time.time_ns(), said={"node": node, **said})


def _labels(info: dict[str, Any]) -> dict[str, str] | None:
    """Return which container of which Pod it is; None for a Pod's sandbox."""
    labels = info.get("Labels") or {}
    if labels.get("io.cri-containerd.kind") != "container":
        return None
    return {
        "namespace": labels["io.kubernetes.pod.namespace"],
        "name": labels["io.kubernetes.pod.name"],
        "uid": labels["io.kubernetes.pod.uid"],
        "container": labels["io.kubernetes.container.name"],
        "containerID": info["ID"],
    }


def _nanoseconds(stamp: str) -> int:
    whole, _, rest = stamp.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()) * 10**9 + int(rest[:9].ljust(9, "0"))


__all__ = ["RuntimeFollower", "note"]
