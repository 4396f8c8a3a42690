"""The HTTP side: which path is answered by whom, and how an answer is written. Only GET is answered with objects."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from tornado import httputil, web
from tornado.iostream import StreamClosedError

from kitlib.serve import protobuf, reviews
from kitlib.serve.discovery import AGGREGATED, VERBS, Discovery
from kitlib.serve.dryrun import DryRun
from kitlib.serve.logs import Logs
from kitlib.serve.reading import Reader, Wanted, wanted
from kitlib.serve.status import READ_ONLY, Refusal, bad_request, full, read_only
from kitlib.serve.watching import Watch, check_watchable

AGENT = "kitlib"
HEALTH = ("healthz", "livez", "readyz")
RUNNING = ("exec", "attach", "portforward", "proxy")
"""What only a running Pod can do."""
MOST_BODY = 16 * 2**20


class Serving:
    """All that answers need.

    Parameters
    ----------
    reader : Reader
    discovery : Discovery
    logs : Logs
    """

    def __init__(self, reader: Reader, discovery: Discovery, logs: Logs) -> None:
        self.reader, self.discovery, self.logs = reader, discovery, logs
        self.dry_run = DryRun(reader)
        self.closing = asyncio.Event()

    def may(self, verb: str, group: str, plural: str, namespace: str) -> str:
        """Say why something may not be done; "" if it may."""
        if verb not in VERBS:
            return READ_ONLY
        found = self.discovery.named(group, plural)
        try:
            if found is None:
                return f"{full(group, plural)} were not recorded"
            self.reader.versions(Wanted(found, namespace))
        except Refusal as refusal:
            return refusal.message
        return ""


class Handler(web.RequestHandler):
    """Answers one request."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

    def initialize(self, serving: Serving) -> None:
        """Take what answers need."""
        self._serving = serving
        self._closed = asyncio.Event()
        self._shape = ""

    def set_default_headers(self) -> None:
        """Say nothing of the library that serves."""
        self.set_header("Server", AGENT)
        self.set_header("Cache-Control", "no-cache, private")

    def on_connection_close(self) -> None:
        """End what is written to nobody."""
        self._closed.set()

    def log_exception(self, *error: Any) -> None:
        """Tell of an error of kitlib's own, but not of the path, which holds the secret."""
        logging.getLogger(__name__).error("kitlib serve met an error of its own", exc_info=error)

    def check_xsrf_cookie(self) -> None:
        """There are no cookies."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a Status whatever went wrong."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        reason = "InternalError" if status_code >= 500 else "BadRequest"
        said = (
            f"kitlib met an error of its own: {type(error).__name__}: {error}"
            if error
            else httputil.responses.get(status_code, "error")
        )
        self._status(Refusal(status_code, reason, str(said)))

    async def _handle(self, path: str | None) -> None:
        try:
            await self._route([part for part in (path or "").split("/") if part])
        except Refusal as refusal:
            self._status(refusal)
        except StreamClosedError:
            self._closed.set()

    async def get(self, path: str | None) -> None:
        """Answer a request that reads."""
        await self._handle(path)

    async def head(self, path: str | None) -> None:
        """Answer as a GET, without the body."""
        await self._handle(path)

    async def post(self, path: str | None) -> None:
        """Answer a question about the client itself, or what a write would come to; refuse all else."""
        await self._handle(path)

    put = patch = delete = options = post

    async def _route(self, parts: list[str]) -> None:
        found = self._fixed(parts)
        if found is not None:
            self._json(found)
            return
        if parts and parts[0] in HEALTH:
            self.set_header("Content-Type", "text/plain")
            self.finish("ok")
            return
        if parts[:1] == ["api"] and len(parts) > 2:
            await self._resource(parts[1], parts[2:])
        elif parts[:1] == ["apis"] and len(parts) > 3:
            await self._resource(f"{parts[1]}/{parts[2]}", parts[3:])
        else:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")

    def _fixed(self, parts: list[str]) -> dict[str, Any] | None:
        """Return the documents that don't depend on the moment."""
        if self.request.method not in ("GET", "HEAD"):
            return None
        discovery = self._serving.discovery
        match parts:
            case ["version"]:
                return discovery.version()
            case ["api"]:
                return discovery.core(self._aggregated())
            case ["apis"]:
                return discovery.groups(self._aggregated())
            case ["api", version]:
                return discovery.kinds("", version)
            case ["apis", group]:
                return discovery.group(group)
            case ["apis", group, version]:
                return discovery.kinds(group, version)
            case ["openapi", "v3"]:
                found = discovery.openapi()
                return {
                    "paths": {
                        key: {"serverRelativeURL": self._root() + each["serverRelativeURL"]}
                        for key, each in found["paths"].items()
                    }
                }
            case ["openapi", "v3", "api", version]:
                return discovery.parameters("", version)
            case ["openapi", "v3", "apis", group, version]:
                return discovery.parameters(group, version)
        return None

    def _root(self) -> str:
        """Return what stands before all paths."""
        return "/" + self.request.path.strip("/").split("/")[0]

    def _aggregated(self) -> str:
        """Return the version of aggregated discovery that the client prefers; "" if it wants none."""
        for each in self.request.headers.get("Accept", "").split(","):
            if f"as={AGGREGATED}" in each:
                version = next((part[2:] for part in each.split(";") if part.startswith("v=")), "")
                if version in ("v2", "v2beta1"):
                    self._shape = f";g=apidiscovery.k8s.io;v={version};as={AGGREGATED}"
                    return version
            elif each.strip().startswith("application/json"):
                return ""
        return ""

    async def _resource(self, group_version: str, parts: list[str]) -> None:
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
            namespace, parts = parts[1], parts[2:]
        plural, name, sub = (*parts, "", "")[:3]
        group = group_version.rpartition("/")[0]
        if self.request.method == "POST" and plural in reviews.KINDS:
            self.set_status(201)
            self._json(reviews.answer(plural, self._body(), self._serving.may))
            return
        resource = self._serving.discovery.find(group_version, plural)
        if resource is None or len(parts) > 3:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        query = {key: self.get_query_argument(key) for key in self.request.query_arguments}
        want = wanted(resource, namespace, query, self.request.headers.get("Accept", ""))
        if self.request.method not in ("GET", "HEAD"):
            self._write(want, name, sub, query)
            return
        if sub in RUNNING:
            self._write(want, name, sub, query)
        if sub and sub not in resource.subresources:
            raise Refusal(404, "NotFound", f"{full(group, plural)}/{sub} is nothing that was recorded")
        if sub == "log":
            await self._logged(want, name, query)
        elif query.get("watch") in ("true", "1"):
            await self._watch(want, name, query)
        else:
            self._objects(want, name, query)

    def _objects(self, want: Wanted, name: str, query: dict[str, str]) -> None:
        """Answer with an object, or a list."""
        reader = self._serving.reader
        if name:
            self._warn(reader.warnings(want, reader.clock.now()))
            self._json(reader.one(want, name))
            return
        try:
            found, moment = reader.listed(want, query)
        except Refusal as refusal:
            if refusal.code == 403:  # who describes an object passes over the error
                self._warn([refusal.message.partition(";")[0]])
            raise
        self._warn(reader.warnings(want, moment))
        self._json(found)

    def _write(self, want: Wanted, name: str, sub: str, query: dict[str, str]) -> None:
        """Answer what a write would come to, where only that is asked; refuse all others."""
        if query.get("dryRun") == "All" and not sub and self.request.method in ("POST", "PATCH"):
            kind = self.request.headers.get("Content-Type", "").partition(";")[0]
            made = self._serving.dry_run.answer(want, name, str(self.request.method), kind, self._body())
            self.set_status(201 if self.request.method == "POST" else 200)
            self._json(made)
            return
        kind = full(want.resource.group, want.resource.plural)
        if sub in RUNNING:
            raise Refusal(405, "MethodNotAllowed", f'nothing of a recording runs any more ({sub} of {kind} "{name}")')
        what = f"{self.request.method} {kind}{'/' if sub else ''}{sub}"
        raise read_only(f'{what} "{name}"' if name else what)

    async def _watch(self, want: Wanted, name: str, query: dict[str, str]) -> None:
        check_watchable(want)
        if name:
            only = wanted(want.resource, want.namespace, {"fieldSelector": f"metadata.name={name}"}, "")
            want.fields.extend(only.fields)
        watch = Watch(self._serving.reader, want, query)
        self._warn(self._serving.reader.warnings(want, self._serving.reader.clock.now()))
        self.set_header("Content-Type", "application/json")
        await self._stream(watch.events)

    async def _logged(self, want: Wanted, name: str, query: dict[str, str]) -> None:
        pod = json.loads(self._serving.reader.one(Wanted(want.resource, want.namespace), name))
        log = self._serving.logs.open(pod, query)
        self._warn(log.warnings)
        self.set_header("Content-Type", "text/plain")
        await self._stream(log.lines)

    async def _stream(self, parts: Any) -> None:
        """Write what comes, as it comes, until its end, the client's, or the server's."""
        closed = self._closed
        forward = asyncio.ensure_future(self._serving.closing.wait())
        forward.add_done_callback(lambda done: closed.set())
        try:
            await self.flush()
            some: AsyncIterator[bytes] = parts(closed)
            async for part in some:
                self.write(part)
                await self.flush()
        finally:
            forward.cancel()

    def _body(self) -> dict[str, Any]:
        """Return the object that was sent."""
        if not self.request.body:
            return {}
        if self.request.body.startswith(protobuf.MAGIC):
            return protobuf.review(self.request.body)
        try:
            found = json.loads(self.request.body)
        except ValueError:
            from kitlib.serve.dryrun import yaml_body

            found = yaml_body(self.request.body)
        if not isinstance(found, dict | list):
            raise bad_request("the body is no object")
        return found if isinstance(found, dict) else {"": found}

    def _warn(self, warnings: list[str]) -> None:
        for each in warnings:
            text = each.replace("\\", "\\\\").replace('"', '\\"')
            self.add_header("Warning", f'299 - "kitlib: {text}"')

    def _json(self, what: Any) -> None:
        self.set_header("Content-Type", f"application/json{self._shape}")
        self.finish(what if isinstance(what, bytes) else json.dumps(what, separators=(",", ":")))

    def _status(self, refusal: Refusal) -> None:
        self.set_status(refusal.code, refusal.reason)
        self.set_header("Content-Type", "application/json")
        if refusal.details.get("retryAfterSeconds"):
            self.set_header("Retry-After", str(refusal.details["retryAfterSeconds"]))
        self.finish(json.dumps(refusal.status, separators=(",", ":")))


class Wrong(web.RequestHandler):
    """Answers who doesn't know the way: it is told nothing of what is served."""

    def set_default_headers(self) -> None:
        """Say nothing of the library that serves."""
        self.set_header("Server", AGENT)

    def prepare(self) -> None:
        """Answer whatever is asked."""
        self.set_status(401)
        self.set_header("Content-Type", "application/json")
        said = Refusal(401, "Unauthorized", "Unauthorized: use the kubeconfig that kitlib serve wrote")
        self.finish(json.dumps(said.status))


def application(serving: Serving, secret: str) -> web.Application:
    """Return the application; only who knows the secret in its paths is answered."""
    return web.Application(
        [(rf"/{secret}(?:/(.*))?", Handler, {"serving": serving}), (r".*", Wrong)], compress_response=False
    )


__all__ = ["Serving", "application"]
