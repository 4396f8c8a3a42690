"""What a notebook says: `%load_ext kitlib`, then `lab = kitlib.open("deployment")`.

A `Lab` is a cluster, a namespace of its own, a recorder that runs all the time, and a ledger. Each of its words shows
what it did and the kubectl command that does the same.
"""

from __future__ import annotations

import atexit
import contextlib
import html
import io
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from kitlib import claims
from kitlib import cluster as clusters
from kitlib.api import objects
from kitlib.api.objects import Change
from kitlib.cluster import Cluster, namespaces
from kitlib.cluster.nodefiles import Node
from kitlib.errors import BuildError, ClusterError, KitlibError, ServerError, UsageError, WaitTimeout
from kitlib.frames import Frames
from kitlib.machine import paths, versions
from kitlib.machine.programs import find as binaries
from kitlib.progress import duration, in_notebook
from kitlib.recording import Recording
from kitlib.watch import KINDS, LogFollower, Recorder
from kitlib.watch.runtime import RuntimeFollower, note


class Changes(list[Change]):
    """What a word of the lab did; shown when it was done, so a cell that ends with it doesn't show it twice."""

    def _ipython_display_(self) -> None:
        pass

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class Refusal(str):
    """Why something was refused, in the server's words; shown when it was said."""

    def _ipython_display_(self) -> None:
        pass


class Step:
    """A named window of the recording.

    Attributes
    ----------
    name : str
    begin_ns : int
        On the monotonic clock; time zero of its figures.
    end_ns : int or None
        None while it goes on.
    """

    def __init__(self, recording: Recording, name: str, namespace: str) -> None:
        self.name = name
        self._recording = recording
        self._namespace = namespace
        self._id = secrets.token_hex(4)
        self.begin_ns = recording.mark("STEP", name, edge="begin", id=self._id).monotonic_ns
        self.end_ns: int | None = None
        self._frames: Frames | None = None

    @property
    def frames(self) -> Frames:
        """The frames of this window: what was seen in it, and what stood there when it began."""
        if self._frames is not None:
            return self._frames
        frames = Frames(self._recording, self.begin_ns, self.end_ns, self._namespace)
        if self.end_ns is not None:
            self._frames = frames
        return frames

    @property
    def seconds(self) -> float:
        """How long it took, or has taken up to now."""
        return ((self.end_ns or time.monotonic_ns()) - self.begin_ns) / 1e9

    def _end(self) -> None:
        self.end_ns = self._recording.mark("STEP", self.name, edge="end", id=self._id).monotonic_ns

    def __repr__(self) -> str:
        return f"<Step {self.name!r}: {duration(self.seconds)}>"


class Lab:
    """A notebook's place on a cluster; made by `kitlib.open`.

    Attributes
    ----------
    notebook, namespace : str
    cluster : Cluster
    label : str
        Which version it is on: "1.37", or "1.17-psp" for a variant.
    connection : Connection
    recording : Recording
    ledger : Ledger
    """

    def __init__(
        self, notebook: str, cluster: Cluster, kinds: tuple[str, ...], base: Path, beside: Lab | None = None
    ) -> None:
        self.notebook = notebook
        self.cluster = cluster
        self.label = cluster.name.partition("-")[2] if cluster.made_by_kitlib else cluster.version
        self.base = base
        self.connection = cluster.connect()
        self.closed = False
        self._quiet = False
        self._lost: dict[str, Callable[[str], None]] = {}
        self._logs: list[LogFollower | RuntimeFollower] = []
        folder = _place()
        if cluster.made_by_kitlib:
            cluster.verify()
            namespaces.sweep(self.connection)
        self.namespace = namespaces.create(self.connection, notebook)
        path = folder / "recordings" / (f"{notebook}-{self.label}" if beside else notebook)
        shutil.rmtree(path, ignore_errors=True)
        info = {
            "notebook": notebook,
            "cluster": cluster.name,
            "provider": cluster.provider,
            "version": cluster.version,
            "release": cluster.release,
            "namespace": self.namespace,
        }
        try:
            self.recording = Recording.create(path, info)
            self.recorder = Recorder(self.connection, kinds, self.recording, self.namespace).start()
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

    @property
    def frames(self) -> Frames:
        """The frames of everything recorded so far."""
        return Frames(self.recording, namespace=self.namespace)

    def span(self, first: Step, last: Step, lead: float = 0) -> Frames:
        """Return the frames from the begin of one step, or some seconds before it, to the end of another."""
        return Frames(self.recording, first.begin_ns - round(lead * 1e9), last.end_ns, self.namespace)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Name what happens in a `with` block; at its end the recording has all that the server has."""
        step = Step(self.recording, name, self.namespace)
        try:
            yield step
            self.catch_up()
        finally:
            step._end()

    def show(self, manifest: str) -> None:
        """Show a manifest, exactly as it will be applied."""
        objects.load(manifest, self.base)
        text = (self.base / manifest).read_text(encoding="utf-8")
        _display(text, f"<pre class='kitlib-manifest'><code class='language-yaml'>{html.escape(text)}</code></pre>")

    def apply(self, source: str | Path | dict, dry_run: bool = False) -> Changes:
        """Apply a manifest on the server's side; see `kitlib.objects.apply`."""
        return self._show(*objects.apply(self.connection, source, self.namespace, self.base, dry_run))

    def patch(self, ref: str, body: dict[str, Any] | str) -> Changes:
        """Change some fields of an object; `body` is a dict or YAML; see `kitlib.objects.patch`."""
        fields = yaml.safe_load(body) if isinstance(body, str) else body
        return self._show(objects.patch(self.connection, ref, fields, self.namespace))

    def scale(self, ref: str, replicas: int) -> Changes:
        """Set spec.replicas."""
        return self._show(objects.scale(self.connection, ref, replicas, self.namespace))

    def set_image(self, ref: str, image: str, container: str | None = None) -> Changes:
        """Change a container's image in the Pod template."""
        return self._show(objects.set_image(self.connection, ref, image, self.namespace, container))

    def pause(self, ref: str) -> Changes:
        """Pause a rollout: changes of the template wait until `resume`."""
        return self._show(objects.pause(self.connection, ref, self.namespace))

    def resume(self, ref: str) -> Changes:
        """Resume a paused rollout."""
        return self._show(objects.pause(self.connection, ref, self.namespace, paused=False))

    def undo(self, ref: str, to_revision: int | None = None) -> Changes:
        """Roll back to an earlier revision; see `kitlib.objects.undo`."""
        return self._show(objects.undo(self.connection, ref, self.namespace, to_revision))

    def delete(self, ref: str, propagation: str | None = None, grace: int | None = None) -> Changes:
        """Delete an object; see `kitlib.objects.delete`."""
        return self._show(objects.delete(self.connection, ref, self.namespace, propagation, grace))

    def get(self, ref: str) -> dict[str, Any]:
        """Read an object as it is now."""
        return objects.get(self.connection, ref, self.namespace)

    def ask(self, pod: str, path: str = "/", /, *, port: int = 8080, method: str = "GET", **query: object) -> Any:
        """Ask a Pod by HTTP, through the API server, so that it may be anywhere.

        Parameters
        ----------
        pod, path : str
            Its name; "/self".
        port : int
            Of the Pod.
        method : str
            "GET", or "POST".
        **query
            Parameters of the URL: `ask("web", "/set", method="POST", readiness="fail")`.

        Returns
        -------
        dict or list of dict
            The JSON that it answers; a list where it answers several lines.

        Raises
        ------
        ServerError
            If it can't be reached, or answers with an error, whose `error` is then the message.
        """
        where = f"/api/v1/namespaces/{self.namespace}/pods/http:{pod}:{port}/proxy{path}"
        try:
            body = self.connection.request(method, where, query)
        except ServerError as error:
            if said := (error.status or {}).get("error"):
                raise ServerError(str(said), step=f"ask {pod} for {path}", object=pod, status=error.status) from error
            raise
        lines = [json.loads(line) for line in body.splitlines() if line]
        return lines[0] if len(lines) == 1 else lines

    def logs(self, pod: str, container: str | None = None, previous: bool = False) -> pd.DataFrame:
        """Return what a container has logged, one row a line; a line that is JSON becomes columns.

        Parameters
        ----------
        pod : str
        container : str, optional
            Which; needed where the Pod has several.
        previous : bool
            Of the run before the last restart.

        Returns
        -------
        DataFrame
            One column for each key of the JSON lines; `text` (str) where a line is none.

        Raises
        ------
        ServerError
            If there is no such container, or it hasn't begun.
        """
        where = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/log"
        query = {"container": container, "previous": "true" if previous else None}
        rows: list[dict[str, Any]] = []
        for line in self.connection.request("GET", where, query, accept="*/*").decode(errors="replace").splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                said = None
            rows.append(said if isinstance(said, dict) else {"text": line})
        return pd.DataFrame(rows)

    def refused(self, word: Callable[..., Any], *args: Any, **options: Any) -> Refusal:
        """Do what should be refused, and return the reason; raise `UsageError` if it was accepted after all."""
        try:
            word(*args, **options)
        except KitlibError as error:
            _display(error.message, f"<pre class='kitlib-refused'>refused: {html.escape(error.message)}</pre>")
            return Refusal(error.message)
        raise UsageError("it was accepted", step="refused", object=str(args), next="this lesson expects a refusal")

    def wait(self, ref: str, *, timeout: float = 60, **goal: Any) -> None:
        """Wait for an object, and say how long it took; goals as of `kitlib.objects.wait`."""
        known = objects.find(self.connection, ref)[0].plural in self.recorder.plurals
        seconds = objects.wait(
            self.connection, ref, self.namespace, timeout=timeout, recorder=self.recorder if known else None, **goal
        )
        words = next(
            (str(goal.get("what") or (value if isinstance(value, str) else key)) for key, value in goal.items())
        )
        text = f"{ref}: {words.replace('_', ' ')} after {duration(seconds)}"
        if not self._quiet:
            _display(text, f"<div class='kitlib-wait'>{html.escape(text)}</div>")

    def wait_ready(self, label: str, count: int, without: Iterable[str] = (), timeout: float = 120) -> None:
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
            mine = [pod for pod in self.recorder.latest("pods") if pod["metadata"].get("labels", {}).get(key) == value]
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
            _display(text, f"<div class='kitlib-wait'>{html.escape(text)}</div>")

    def until(self, predicate: Callable[[], Any], what: str, timeout: float = 30) -> None:
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
        if not self.recorder.wait_for(predicate, timeout):
            raise WaitTimeout(
                f"not so within {duration(timeout)}",
                step="wait for",
                object=what,
                next="%kubectl shows what is there instead",
            )

    def owned(self, plural: str, owner: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that exist now and are owned by one of this name, as far as recorded."""
        return [
            item
            for item in self.recorder.latest(plural)
            if any(reference["name"] == owner for reference in item["metadata"].get("ownerReferences") or ())
        ]

    def cut_off_node(self, node: str) -> Changes:
        """Have a node neither hear nor reach any other, while all on it runs on, until `bring_back` or the lab's end.

        Raises
        ------
        UsageError
            It has no such node, or its nodes are simulated.
        ClusterError
            Its engine does not do it.
        """
        self._lost[node] = self.cluster.reconnect_node
        self.cluster.cut_off_node(node)
        return self._show(
            Change(f"node/{node}", "cut off: nothing comes in, nothing goes out, what runs on it runs on")
        )

    def stop_node(self, node: str) -> Changes:
        """Stop a node as a power failure does, until `bring_back` or the lab's end; raises as `cut_off_node` does."""
        self._lost[node] = self.cluster.start_node
        self.cluster.stop_node(node)
        return self._show(Change(f"node/{node}", "stopped, as by a power failure"))

    def taint(self, node: str, taint: str) -> Changes:
        """Add a taint to a node, "key=value:effect", or remove it: "key=value:effect-"; see `kitlib.objects.taint`."""
        return self._show(objects.taint(self.connection, node, taint))

    def bring_back(self, node: str, timeout: float = 180) -> None:
        """Reconnect or start a node that this lab had lost, and wait until Kubernetes takes it for Ready again.

        Parameters
        ----------
        node : str
            Kubernetes should have noticed that it was lost: until then it is taken for Ready anyway.
        timeout : float
            Seconds.
        """
        if node in self._lost:
            self._lost[node](node)
            del self._lost[node]
        self.wait(f"node/{node}", until=_back, what="Ready, and without the taints of a lost node", timeout=timeout)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Show nothing in a `with` block: for words that are said many times."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def record_logs(self, pod: str, container: str | None = None, previous: bool = False) -> LogFollower:
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

        Raises
        ------
        ServerError
            If there is no such container, or it hasn't begun.
        """
        self._logs = [each for each in self._logs if not each.ended]
        if "pods" in self.recorder.plurals:
            self.until(lambda: self._begun(pod, container), f"a container of {pod} has begun", 120)
        made = LogFollower(self.connection, self.recording, self.namespace, pod, container, previous)
        self._logs.append(made)
        return made

    def node(self, name: str) -> Node:
        """Return a node to look into and to change; from now on what its runtime does is recorded, API server or not.

        What is changed is shown with the command that does the same, and put back at the lab's end, however it ends.
        `kitlib.frames.runtime` makes a frame of what is recorded.

        Parameters
        ----------
        name : str
            As of `Cluster.node`: "control-plane", "worker", "worker2".

        Raises
        ------
        UsageError
            If there is no such node, or the cluster's nodes aren't kitlib's.
        """

        def told(what: str, verb: str, command: str, path: str = "", at: int = 0) -> None:
            if path:
                note(self.recording, node.name, {"what": verb, "path": path}, at)
            self._show(Change(what, verb, kubectl=command))

        node = replace(self.cluster.node(name), told=told)
        self._logs.append(RuntimeFollower(node, self.recording))
        return node

    def _begun(self, pod: str, container: str | None) -> bool:
        """Say whether a container runs or has run; each of them if none is named."""
        found = next((each for each in self.recorder.latest("pods") if each["metadata"]["name"] == pod), {})
        status = found.get("status", {})
        told = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        mine = [each for each in told if container in (None, each["name"])]
        return bool(mine) and all(each["restartCount"] or "waiting" not in each["state"] for each in mine)

    def catch_up(self) -> None:
        """Return when the recording has all that the server has, and all that followed containers have logged."""
        for each in self._logs:
            each.catch_up()
        self.recorder.catch_up()

    def close(self) -> claims.Ledger:
        """End the lab: stop recording, remove the namespace, show the ledger.

        Where a notebook has several labs, the ledger ends with the last of them.

        Raises
        ------
        ClaimError
            If a verdict wasn't the expected one.
        """
        if not self.closed:
            self._shut()
            try:
                self.recorder.stop()
                self.recording.close()
            finally:
                namespaces.delete(self.connection, self.namespace, timeout=None)
        if all(lab.ledger is not self.ledger for lab in _open):
            _display(repr(self.ledger), self.ledger._repr_html_())
            self.ledger.close()
        return _Quiet(self.ledger)  # type: ignore[return-value]

    def _show(self, *changes: Change) -> Changes:
        for change in () if self._quiet else changes:
            _display(str(change), _change_html(change))
        return Changes(changes)

    def _abandon(self) -> None:
        """When the kernel ends in the middle: leave nothing behind."""
        if not self.closed:
            self._shut()
            self.recorder.stop()
            self.recording.close()
            namespaces.delete(self.connection, self.namespace, timeout=None)

    def _shut(self) -> None:
        self.closed = True
        for node, undo in self._lost.items():
            with contextlib.suppress(KitlibError):  # `kitlib up` tries again
                undo(node)
        for each in self._logs:
            each.close()
        with contextlib.suppress(KitlibError):
            self.cluster.restore_nodes()
        atexit.unregister(self._abandon)
        if self in _open:
            _open.remove(self)


def _back(node: dict[str, Any]) -> bool:
    """Say whether a node is Ready, and the taints are gone by which Kubernetes marks a lost one."""
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    marks = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    return ready and not any(taint["key"] in marks for taint in node["spec"].get("taints") or ())


class _Quiet:
    """A ledger that a cell has shown already."""

    def __init__(self, ledger: claims.Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def _ipython_display_(self) -> None:
        pass


_open: list[Lab] = []
"""The labs that were opened and not closed, the newest last; several only on clusters of several versions."""


def open(
    notebook: str, *, kubernetes: str | None = None, kinds: tuple[str, ...] = KINDS, containers: bool = False
) -> Lab:
    """Open the lab of a notebook: the cluster, a namespace of its own, a recorder, a ledger.

    The cluster is the one that `kitlib up` brought up; `KITLIB_CLUSTER` names another one of kitlib's, and
    `KITLIB_CONTEXT` with `KITLIB_YES_WRITE=1` one of yours. A notebook that needs a version names it: kitlib's own
    cluster of that version is found, or brought up. Such a lab is opened beside those that the notebook has on other
    clusters, and shares their ledger; without a version the notebook begins anew.

    Parameters
    ----------
    notebook : str
        Its name, as of the file: lower-case letters, digits and dashes.
    kubernetes : str, optional
        The version that is needed, such as "1.17".
    kinds : tuple of str
        What is recorded.
    containers : bool
        Whether the notebook needs containers that really run; then a cluster of kitlib's that runs some is taken,
        although another one was named.

    Raises
    ------
    ClusterError
        If there is no cluster, or it can't do what the notebook needs; or if this machine can't have that version.
    """
    for lab in [lab for lab in _open if not kubernetes or lab.notebook != notebook]:
        lab._abandon()
    context = os.environ.get("KITLIB_CONTEXT")
    if kubernetes:
        found = _of_version(kubernetes)
    elif context:
        found = clusters.context(context, yes_write=os.environ.get("KITLIB_YES_WRITE") == "1")
    else:
        found = clusters.find(os.environ.get("KITLIB_CLUSTER") or None)
    if containers and not found.runs_containers:
        real = [each for each in clusters.clusters() if each.runs_containers]
        found = clusters.find(real[-1].name) if real else found
    if containers and not found.runs_containers:
        raise ClusterError(
            "this notebook needs containers that really run",
            step="open",
            object=found.name,
            next="start one with `kitlib up --provider kind` where Docker, podman or nerdctl runs",
        )
    for lab in [lab for lab in _open if lab.cluster.name == found.name]:  # a cell that is run again
        lab._abandon()
    lab = Lab(notebook, found, kinds, Path.cwd(), beside=_open[0] if _open else None)
    _open.append(lab)
    text = repr(lab)
    _display(text, f"<div class='kitlib-lab'>{html.escape(text)}</div>")
    return lab


def labs(notebook: str, *kubernetes: str, **options: Any) -> dict[str, Lab | ClusterError]:
    """Open a lab on a cluster of each version, for claims that compare them: `claim(text, each(labs, check), …)`.

    Parameters
    ----------
    notebook : str
    *kubernetes : str
        Such as "1.17", "1.37".
    **options
        See `open`.

    Returns
    -------
    dict
        Minor version to lab. Where this machine can't have a version, the error that says why stands in the lab's
        place; the lesson goes on without it.
    """
    minors = [versions.release(version).minor for version in kubernetes]
    if len(set(minors)) < len(minors):
        raise UsageError("these are not different versions", step="open", object=", ".join(kubernetes), next="see open")
    for lab in [*_open]:
        lab._abandon()
    found: dict[str, Lab | ClusterError] = {}
    for minor, version in zip(minors, kubernetes, strict=True):
        try:
            found[minor] = open(notebook, kubernetes=version, **options)
        except ClusterError as error:
            text = f"Without Kubernetes {version}: {error}"
            _display(text, f"<div class='kitlib-lab'>{html.escape(text)}</div>")
            found[minor] = error
    return found


def _of_version(kubernetes: str) -> Cluster:
    """Find kitlib's own cluster of a version, or bring it up; what it says about itself is shown in the notebook."""
    chosen = clusters.choose(kubernetes=kubernetes)
    if versions.release(kubernetes).past:
        _display(chosen.why, f"<div class='kitlib-lab'>{html.escape(chosen.why)}</div>")
    try:
        with contextlib.redirect_stderr(io.StringIO()) if in_notebook() else contextlib.nullcontext():
            return clusters.up(kubernetes=kubernetes)  # progress is shown by other means in a notebook
    except BuildError as error:
        raise ClusterError(
            f"this machine can't have Kubernetes {kubernetes}: {error.message}",
            step="open",
            object=chosen.name,
            next=error.next,
        ) from error


def _place() -> Path:
    build = os.environ.get("KITLIB_BUILD")
    return Path(build) if build else paths.state()


def _display(text: str, markup: str) -> None:
    """Show something: HTML in a notebook, text elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(text)
        return
    if get_ipython() is None:
        print(text)
    else:
        display({"text/plain": text, "text/html": markup}, raw=True)


def _change_html(change: Change) -> str:
    esc = html.escape
    rows = "".join(
        f"<tr><td><code>{esc(path)}</code></td><td><code>{esc(objects._short(old))}</code></td><td>→</td>"
        f"<td><code>{esc(objects._short(new))}</code></td></tr>"
        for path, old, new in change.diff
    )
    table = f"<table class='kitlib-diff'>{rows}</table>" if rows else ""
    kubectl = f"<pre class='kitlib-kubectl'>$ {esc(change.kubectl)}</pre>" if change.kubectl else ""
    return f"<div class='kitlib-change'><strong>{esc(change.object)}</strong> {esc(change.verb)}{table}{kubectl}</div>"


def show_claim(made: claims.Claim) -> None:
    """Show a claim where it was made."""
    _display(str(made), claims.claim_html(made))


def show_figure(figure: Any) -> None:
    """Show a figure as a sharp, transparent PNG with its text twin below it."""
    from IPython.display import display
    from PIL import Image

    from kitlib import plots

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=192, transparent=True, bbox_inches="tight", pad_inches=0.05)
    words = plots.twin(figure)
    drawn = Image.open(buffer).convert("RGBA")
    width, height = (side // 2 for side in drawn.size)
    data = io.BytesIO()
    drawn.quantize(256, method=Image.Quantize.FASTOCTREE).save(data, format="png", optimize=True)  # a third of the size
    first = words.strip().splitlines()[0] if words.strip() else "figure"
    display(
        {"image/png": data.getvalue(), "text/plain": first},
        metadata={"image/png": {"width": width, "height": height, "alt": first}},
        raw=True,
    )
    if words.strip():
        said = html.escape(words.strip())
        markup = f"<details class='kitlib-twin'><summary>The figure in words</summary><pre>{said}</pre></details>"
        display({"text/plain": words.strip(), "text/html": markup}, raw=True)


_STYLE = """<style>
.kitlib-claim{border-left:4px solid #7a828e;padding:.3em .7em;margin:.4em 0}
.kitlib-claim .kitlib-verdict{font-weight:700;margin-right:.3em}
.kitlib-holds{border-color:#009e73}.kitlib-fails{border-color:#d55e00}.kitlib-changed{border-color:#0072b2}
.kitlib-unknown{border-color:#7a828e;border-left-style:dotted}
.kitlib-claim .kitlib-source,.kitlib-claim .kitlib-versions{opacity:.75;font-size:85%}
.kitlib-scroll{overflow-x:auto;max-height:24em}
.kitlib-kubectl{opacity:.8;margin:.2em 0 .6em}
.kitlib-diff td{text-align:left!important}
.kitlib-twin pre{white-space:pre-wrap}
</style>"""


def load_ipython_extension(ipython: Any) -> None:
    """Set up a notebook: figures, claims, tables, and the magic %kubectl."""
    from IPython.display import display
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    formatter = ipython.display_formatter.ipython_display_formatter
    formatter.for_type(Figure, show_figure)
    formatter.for_type(Axes, lambda axes: show_figure(axes.figure))
    formatter.for_type(claims.Claim, lambda made: None)
    claims.on_claim(show_claim)
    ipython.register_magic_function(_kubectl, "line", "kubectl")
    display({"text/html": _STYLE, "text/plain": "kitlib is ready"}, raw=True)


def kubectl(cluster: Cluster) -> str:
    """Return the kubectl that belongs to a cluster: its own programs', else the one on PATH.

    Raises
    ------
    UsageError
        If there is none.
    """
    if cluster.made_by_kitlib and (own := binaries.ready(versions.release(cluster.version)).paths.get("kubectl")):
        return str(own)
    if found := shutil.which("kubectl"):
        return found
    raise UsageError("there is no kubectl", step="%kubectl", next="install kubectl, or use the lab's own words")


def _kubectl(line: str) -> None:
    """%kubectl get pods: the cluster's own kubectl, in the lab's namespace; %kubectl @1.17 get pods: that version's."""
    import shlex
    import subprocess

    words = shlex.split(line)
    wanted = words.pop(0)[1:] if words and words[0].startswith("@") else None
    fitting = [lab for lab in _open if wanted in (None, lab.label, lab.cluster.version)]
    if not fitting:
        where = f" on Kubernetes {wanted}" if wanted else ""
        raise UsageError(f"no lab is open{where}", step="%kubectl", next='begin with kitlib.open("…")')
    lab = max(fitting, key=lambda lab: (lab.label == wanted, claims.version_order(lab.cluster.version)))
    command = [kubectl(lab.cluster), "--kubeconfig", str(lab.cluster.kubeconfig)]
    command += ["--context", lab.cluster.context, "--namespace", lab.namespace, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    if done.returncode:
        raise UsageError(done.stderr.strip(), step="%kubectl", object=line, next="correct the command")
