"""A request of the recorder, as it is read: which kind is asked for, and how."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.faults.proxy.fault import AHEAD

DISCOVERY = re.compile(r"/apis?|/api/v1|/apis/[^/]+/[^/]+")


@dataclass
class Request:
    """One request: its line and headers, and what they mean."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    stream: str = ""
    verb: str = "other"
    query: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, number: int, head: bytes, plurals: Collection[str]) -> Request:
        """Read a request's head; of the kinds with these plurals it is a list or a watch."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        request = cls(number, method, target, headers)
        url = urlsplit(target)
        request.query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        *_, parent, plural = ["", "", *url.path.strip("/").split("/")]
        if plural in plurals and parent != "namespaces":
            request.stream = plural
            request.verb = "watch" if request.query.get("watch") in ("1", "true") else "list"
        elif DISCOVERY.fullmatch(url.path):
            request.stream, request.verb = url.path, "discovery"
        return request

    @property
    def version(self) -> int | None:
        """The version that a watch begins at."""
        said = self.query.get("resourceVersion", "")
        return int(said) if self.verb == "watch" and said.isdecimal() else None

    @property
    def real(self) -> dict[str, str]:
        """The query with the version that the store really had."""
        said = self.query.get("resourceVersion", "")
        return {**self.query, "resourceVersion": str(int(said) % AHEAD)} if said.isdecimal() else self.query
