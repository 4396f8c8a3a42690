"""A node of kitlib's own from within: its programs, its files, its kubelet; `restore` puts back what was changed."""

from __future__ import annotations

import base64
import json
import posixpath
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kitlib.cluster import record
from kitlib.cluster.base import Cluster
from kitlib.cluster.kind import engines, restore
from kitlib.cluster.kind.engines import Client
from kitlib.errors import ClusterError, RefusedError, UsageError

MANIFESTS = "/etc/kubernetes/manifests"
"""Where a kubelet that kubeadm set up looks for static Pods (staticPodPath)."""
KUBELET = "/var/lib/kubelet/config.yaml"
"""The kubelet's own configuration."""
SERVED = "/run/kitlib"
"""A folder for files of the lesson's own."""
_CHANGE = r"""
home=$1 me=$2 path=$3 text=$4
if [ -e "$home/owner" ]; then
  [ "$(cat "$home/owner")" = "$me" ] || { echo "it is somebody else's" >&2; exit 1; }
else
  mkdir -p "$home/kept"; printf %s "$me" >"$home/owner"
fi
[ "$(readlink -m "$path")" = "$path" ] || { echo "$path is a link" >&2; exit 1; }
if [ ! -e "$home/kept$path" ] && ! grep -qxF "$path" "$home/made" 2>/dev/null; then
  if [ -e "$path" ]; then
    mkdir -p "$home/kept${path%/*}"; cp -p "$path" "$home/.part"; mv "$home/.part" "$home/kept$path"
  else
    echo "$path" >>"$home/made"
  fi
fi
if [ "$text" = - ]; then date +%s%N; rm -f "$path"; exit 0; fi
mkdir -p "${path%/*}"
printf %s "$text" | base64 -d >"${path%/*}/.kitlib"
chmod 644 "${path%/*}/.kitlib"
at=$(date +%s%N)
mv -f "${path%/*}/.kitlib" "$path"
echo "$at"
"""
"""Keeps what is there, then writes a file whole (by a rename: nobody reads half of it), or removes it."""


@dataclass(frozen=True)
class Node:
    """A node of a kind cluster that kitlib made; `kitlib.cluster.node` returns one.

    Parameters
    ----------
    cluster : Cluster
    name : str
        As Kubernetes knows it.
    client : Client
        Of the engine whose container the node is.
    on_change : callable, optional
        Called after each change with what was changed, what was done to it, the command that does the same by hand,
        and for a file its path and when that was (wall clock of the node, ns).
    """

    cluster: Cluster
    name: str
    client: Client
    on_change: Callable[..., None] = lambda what, verb, command, path="", at=0: None

    def run(self, command: Sequence[str], timeout: float = 60.0) -> str:
        """Run a program on the node, as root there, and return what it writes to standard output.

        Parameters
        ----------
        command : sequence of str
            Program and arguments, one a string; no shell reads them.
        timeout : float
            Seconds that it may take.

        Raises
        ------
        UsageError
            If the command is one string.
        ClusterError
            If it fails; the message has its last words.
        """
        step = f"run a program on a node: {self._program(command)}"
        try:
            return self.client.run("exec", self.name, *command, step=step, patience=timeout)
        except ClusterError as error:
            raise self._named(error, step) from error

    def wait(self, command: Sequence[str], what: str, timeout: float = 60.0) -> str:
        """Run a program on the node again and again until it succeeds, and return what it wrote then.

        Parameters
        ----------
        command : sequence of str
            As for `run`.
        what : str
            What is waited for, in words.
        timeout : float
            Seconds.

        Raises
        ------
        ClusterError
            If it still fails when the time is over; the message has its last words.
        """
        self._program(command)
        script = (
            f'end=$(( $(date +%s) + {int(timeout) + 1} )); until said=$("$@" 2>&1); do sleep 0.2; '
            '[ "$(date +%s)" -lt $end ] || { echo "$said" | tail -n 1 >&2; exit 1; }; done; echo "$said"'
        )
        step = f"wait for: {what}"
        try:
            arguments = ("exec", self.name, "sh", "-c", script, "sh", *command)
            return self.client.run(*arguments, step=step, patience=timeout + 30)
        except ClusterError as error:
            raise self._named(error, step) from error

    def read(self, path: str) -> str:
        """Return a file's text; raises as `run` does."""
        return self.run(["cat", path])

    def write(self, path: str, text: str) -> None:
        """Write a file; what was there is kept until `restore`.

        Parameters
        ----------
        path : str
            A file in MANIFESTS or SERVED, or KUBELET.
        text : str

        Raises
        ------
        UsageError
            If the path is anywhere else.
        RefusedError
            If another notebook that still runs has changed this node.
        ClusterError
            If it can't be written.
        """
        at = self._change(path, text)
        by_hand = f"docker exec -i {self.name} tee {path} < {path.rpartition('/')[2]}"
        self.on_change(f"{self.name}:{path}", "written", by_hand, path, at)

    def remove(self, path: str) -> None:
        """Remove a file; it is kept until `restore`. Raises as `write` does."""
        at = self._change(path, None)
        self.on_change(f"{self.name}:{path}", "removed", f"docker exec {self.name} rm {path}", path, at)

    def restart_kubelet(self) -> None:
        """Have the kubelet start anew, with the configuration as it is now, and wait until it is healthy."""
        self.run(["systemctl", "restart", "kubelet"])
        self.wait(["curl", "-fsS", "http://127.0.0.1:10248/healthz"], "the kubelet is healthy")
        self.on_change(f"{self.name}: kubelet", "restarted", f"docker exec {self.name} systemctl restart kubelet")

    def serve(self, port: int = 8089) -> str:
        """Serve the files of SERVED by HTTP on the node's loopback address, until `restore`, and return the URL.

        The server is `kubectl proxy --www`, which every node has; it hands on nothing but these files.
        """
        self._change(f"{SERVED}/.serving", "")
        command = ["kubectl", "proxy", "--server=http://127.0.0.1:1", "--accept-paths=^$", f"--port={port}"]
        command += [f"--www={SERVED}", "--www-prefix=/static/"]
        self.run(["systemd-run", "--unit=kitlib-served", "--collect", *command])
        url = f"http://127.0.0.1:{port}/static/"
        self.wait(["curl", "-fsS", f"{url}.serving"], "the folder is served")
        self.on_change(f"{self.name}:{SERVED}", f"served at {url}", f"docker exec -d {self.name} {shlex.join(command)}")
        return url

    def follow(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a program on the node whose lines are read as they come; the caller ends it."""
        self._program(command)
        return subprocess.Popen(
            [self.client.program, "exec", self.name, *command],
            env=dict(self.client.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )

    def restore(self) -> list[str]:
        """Put back all that was written or removed; on a control plane wait until all of it answers again.

        Returns
        -------
        list of str
            The files that are as they were; those that were new are gone.

        Raises
        ------
        ClusterError
            If it can't be done, or the control plane doesn't come back.
        """
        began = datetime.now(UTC)
        back = restore.restore(self.client, self.name)
        if back and self.name.endswith(restore.CONTROL_PLANE):
            restore.control_plane(self.cluster, began)
        if back:
            self.on_change(
                f"{self.name}:{', '.join(back)}",
                "put back; kubelet restarted",
                f"docker exec {self.name} systemctl restart kubelet",
            )
        return back

    def _change(self, path: str, text: str | None) -> int:
        """Write or remove a file, and return when that was: wall clock of the node, ns."""
        act = "remove" if text is None else "write"
        allowed = f"a file in {MANIFESTS} or {SERVED}, or {KUBELET}"
        inside = posixpath.dirname(path) in (MANIFESTS, SERVED) and posixpath.basename(path) not in ("", ".", "..")
        if "\n" in path or posixpath.normpath(path) != path or not (inside or path == KUBELET):
            raise UsageError(
                "this file is not for lessons to change.",
                step=f"{act} a file of a node",
                object=f"{self.name}:{path}",
                next=f"name {allowed}",
            )
        data = "-" if text is None else base64.b64encode(text.encode()).decode()
        step = f"{act} a file of a node"
        command = ("exec", self.name, "sh", "-ec", _CHANGE, "sh", restore.HOME, restore.me(), path, data)
        restore.changed[self.cluster.name, self.name] = self.restore
        try:
            try:
                return int(self.client.run(*command, step=step))
            except ClusterError:
                if not restore.sweep(self.client, [self.name]):  # what a killed process left stood in the way
                    raise
                restore.changed[self.cluster.name, self.name] = self.restore  # the sweep forgot it
                return int(self.client.run(*command, step=step))
        except ClusterError as error:
            owner = restore.owner(self.client, self.name)
            if not owner or owner == restore.me():
                raise self._named(error, step) from error
            del restore.changed[self.cluster.name, self.name]
            raise RefusedError(
                f"a notebook that still runs has changed this node (process {json.loads(owner).get('pid')}).",
                step=step,
                object=f"{self.name}:{path}",
                next="close that notebook first",
            ) from error

    def _program(self, command: Sequence[str]) -> str:
        if isinstance(command, str) or not command or not all(isinstance(word, str) for word in command):
            raise UsageError(
                "a command is a list of words, which no shell reads.",
                step="run a program on a node",
                object=self.name,
                next='write run(["cat", "/etc/hostname"])',
            )
        return command[0]

    def _named(self, error: ClusterError, step: str) -> ClusterError:
        return ClusterError(
            error.message, step=step, object=f"{self.cluster.name}/{self.name}", next="`kitlib up` mends the nodes"
        )


def find(cluster: Cluster, name: str) -> Node:
    """Return a node by its name, or by what follows the cluster's in it; raises as `kitlib.cluster.node` does."""
    found = _reach(cluster)
    if found is None:
        raise UsageError(
            "only nodes that kitlib made can be looked into.",
            step="find the node",
            object=f"{cluster.name}/{name}",
            next="use a kind cluster of kitlib's: `kitlib up --provider kind`",
        )
    client, nodes = found
    base = next(node.removesuffix(restore.CONTROL_PLANE) for node in nodes if node.endswith(restore.CONTROL_PLANE))
    for node in (name, f"{base}-{name}"):
        if node in nodes:
            return Node(cluster, node, client)
    raise UsageError(
        f"it has no node {name!r}.", step="find the node", object=cluster.name, next=f"use one of: {', '.join(nodes)}"
    )


def _reach(cluster: Cluster) -> tuple[Client, list[str]] | None:
    """Return the client of the engine whose containers the nodes are, and their names; None if kitlib made none."""
    found = record.load(cluster.name) if cluster.made_by_kitlib and cluster.provider == "kind" else None
    client = engines.from_record(found[1]) if found else None
    return (client, list(found[1]["nodes"])) if found and client else None


__all__ = ["KUBELET", "MANIFESTS", "SERVED", "Node", "find"]
