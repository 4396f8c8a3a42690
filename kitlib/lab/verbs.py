"""The words by which a lab changes objects and asks Pods: a change is shown with the kubectl command that makes it."""

from __future__ import annotations

import html
import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib import objects
from kitlib.api.diff import Change
from kitlib.api.manifests import fields_of, read
from kitlib.api.secrets import masked_text
from kitlib.api.transport import Connection
from kitlib.cluster import Cluster
from kitlib.cluster.undo import Notes
from kitlib.errors import KitlibError, RefusedError, ServerError, UsageError
from kitlib.lab.display import Changes, Refusal, change_html, display
from kitlib.lab.keeping import Keeps, kept

LISTENS = 120.0
"""Seconds until a Pod that counts as Ready must listen."""


class Verbs:
    """What changes objects in a lab's namespace, reads them and asks Pods; `Lab` has all of it.

    Attributes
    ----------
    cluster : Cluster
    connection : Connection
    namespace : str
    base : Path
        What manifests' paths are relative to.
    """

    cluster: Cluster
    connection: Connection
    namespace: str
    base: Path
    _keeper: Keeps
    _undo: Notes
    _quiet = False
    _deleted: dict[str, str | None]

    def show(self, manifest: str) -> None:
        """Show a manifest, exactly as it will be applied; the values of a Secret are masked."""
        objects.load(manifest, self.base)
        text = masked_text(read(manifest, self.base), manifest)
        display(text, f"<pre class='kitlib-manifest'><code class='language-yaml'>{html.escape(text)}</code></pre>")

    @kept
    def apply(self, source: str | Path | dict, dry_run: bool = False) -> Changes:
        """Apply a manifest on the server's side; see `kitlib.objects.apply`.

        What it makes that lives in no namespace, such as an IngressClass, goes with the lab's namespace all the same.
        """
        here = self.namespace
        return self._show(*objects.apply(self.connection, source, here, self.base, dry_run, owner=here))

    @kept
    def patch(
        self, ref: str, body: dict[str, Any] | str, subresource: str = "", *, namespace: str | None = None
    ) -> Changes:
        """Change some fields of an object, or of its status; see `kitlib.objects.patch`.

        What isn't in the lab's namespace is put back at the lab's end, however it ends.

        Parameters
        ----------
        ref : str
            "deployment/web".
        body : dict or str
            Just the fields that change; a str is YAML.
        subresource : str
            "status", to write what a controller writes.
        namespace : str, optional
            Another one than the lab's own, such as "kube-system".

        Raises
        ------
        RefusedError
            If it isn't in the lab's namespace, and kitlib didn't make the cluster.
        UsageError
            If it isn't in the lab's namespace, and holds a secret.
        ServerError
            If there is no such object, or the server refuses.
        """
        fields = fields_of(body) if isinstance(body, str) else body
        where = namespace or self.namespace
        if self._elsewhere(ref, where):
            self._undo.fields(ref, fields, where, subresource)
        change = objects.patch(self.connection, ref, fields, where, subresource=subresource)
        if where != self.namespace:
            there = f"kubectl --namespace {shlex.quote(where)} "
            change = replace(change, kubectl=there + change.kubectl.removeprefix("kubectl "))
        return self._show(change)

    def _elsewhere(self, ref: str, namespace: str) -> bool:
        """Say whether an object is none of the lab's own; refuse it where others live."""
        resource, name = objects.find(self.connection, ref)
        if self.namespace == (namespace if resource.namespaced else name if resource.plural == "namespaces" else ""):
            return False
        if not self.cluster.made_by_kitlib:
            raise RefusedError(
                "kitlib did not make this cluster, and patches nothing in it outside the lab's namespace",
                step="patch",
                object=f"{namespace}/{ref}" if resource.namespaced else ref,
                next="use a cluster of kitlib's own: `kitlib up`",
            )
        return True

    @kept
    def scale(self, ref: str, replicas: int) -> Changes:
        """Set spec.replicas."""
        return self._show(objects.scale(self.connection, ref, replicas, self.namespace))

    @kept
    def set_image(self, ref: str, image: str, container: str | None = None) -> Changes:
        """Change a container's image in the Pod template."""
        return self._show(objects.set_image(self.connection, ref, image, self.namespace, container))

    @kept
    def pause(self, ref: str) -> Changes:
        """Pause a rollout: changes of the template wait until `resume`."""
        return self._show(objects.pause(self.connection, ref, self.namespace))

    @kept
    def resume(self, ref: str) -> Changes:
        """Resume a paused rollout."""
        return self._show(objects.pause(self.connection, ref, self.namespace, paused=False))

    @kept
    def undo(self, ref: str, to_revision: int | None = None) -> Changes:
        """Roll back to an earlier revision; see `kitlib.objects.undo`."""
        return self._show(objects.undo(self.connection, ref, self.namespace, to_revision))

    @kept
    def delete(self, ref: str, propagation: str | None = None, grace: int | None = None) -> Changes:
        """Delete an object; see `kitlib.objects.delete`."""
        change = objects.delete(self.connection, ref, self.namespace, propagation, grace)
        self._deleted[ref] = change.uid
        return self._show(change)

    @kept
    def get(self, ref: str, *, namespace: str | None = None) -> dict[str, Any]:
        """Read an object as it is now; in another namespace than the lab's own where one is named."""
        return objects.get(self.connection, ref, namespace or self.namespace)

    @kept
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
            If it can't be reached, also after two minutes in which nobody listened there; or if it answers with an
            error, whose `error` is then the message.
        """
        where = f"/api/v1/namespaces/{self.namespace}/pods/http:{pod}:{port}/proxy{path}"
        try:
            body = self._reach(method, where, query)
        except ServerError as error:
            if said := (error.status or {}).get("error"):
                raise ServerError(str(said), step=f"ask {pod} for {path}", object=pod, status=error.status) from error
            raise
        lines = [json.loads(line) for line in body.splitlines() if line]
        return lines[0] if len(lines) == 1 else lines

    def _reach(self, method: str, where: str, query: dict[str, object]) -> bytes:
        """Ask; a Pod without a readiness probe counts as Ready before it listens, and nothing tells when it does."""
        until = time.monotonic() + LISTENS
        while True:
            try:
                return self.connection.request(method, where, query)
            except ServerError as error:
                refused = "dial tcp" in error.message and "connection refused" in error.message  # it was told nothing
                if not refused or time.monotonic() > until:
                    raise
            time.sleep(0.2)

    @kept
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

    @kept
    def refused(self, word: Callable[..., Any], *args: Any, **options: Any) -> Refusal:
        """Do what should be refused, and return the reason; raise `UsageError` if it was accepted after all."""
        try:
            word(*args, **options)
        except KitlibError as error:
            display(error.message, f"<pre class='kitlib-refused'>refused: {html.escape(error.message)}</pre>")
            return Refusal(error.message)
        what = args[0] if args and isinstance(args[0], str) and "\n" not in args[0] else word.__name__
        raise UsageError("it was accepted", step="refused", object=what, next="this lesson expects a refusal")

    @kept
    def answer_of(self, ask: Callable[..., Any], /, *args: Any) -> Any:
        """Ask in a way of the lesson's own, such as a program beside it, and return the answer: what JSON has.

        It is kept in the recording, as what the lab's other words answer: a replayed lesson finds it there.

        Parameters
        ----------
        ask : callable
            Asks, and returns the answer.
        *args
            What it is given.
        """
        return ask(*args)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Show nothing in a `with` block: for words that are said many times."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _show(self, *changes: Change) -> Changes:
        for change in () if self._quiet else changes:
            display(str(change), change_html(change))
        return Changes(changes)
