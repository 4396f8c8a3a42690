"""The parts that there are, each with its version, its published image and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kitlib.errors import UsageError
from kitlib.machine import resources


@dataclass(frozen=True)
class Part:
    """A part beside Kubernetes.

    Parameters
    ----------
    name : str
        What a lesson asks for.
    title : str
        What it is, in words.
    version : str
        Without a leading v.
    published : str
        The image that its authors publish, by digest.
    module : str
        The Go module that tells its version; the folder of the part's name, beside this file, pins it and all else.
    program : str
        The program's name, and its path in the image that is made here.
    user : str
        Who runs it there: user and group, as in the published image.
    cache, modules : int
        What a cold build takes on the disk of Go's own cache and of modules, in bytes.
    """

    name: str
    title: str
    version: str
    published: str
    module: str
    program: str
    user: str
    cache: int
    modules: int

    @property
    def source(self) -> Path:
        """The folder with its go.mod and its main package."""
        return Path(__file__).parent / self.name

    @property
    def image(self) -> str:
        """The name of the image that is made here."""
        return f"localhost/{self.name}:{self.version}"


PARTS = {
    part.name: part
    for part in (
        Part(
            name="otel",
            title="OpenTelemetry's collector, with the receivers k8s_events and k8sobjects",
            version="0.145.0",
            published="otel/opentelemetry-collector-contrib:0.145.0"
            "@sha256:a7343f01869071ea3f4c5e1e97df1bb1b3c4d5c77247db80e053a80b9df530c4",
            module="go.opentelemetry.io/collector/otelcol",
            program="otelcol",
            user="10001:10001",
            cache=resources.GIB // 2,
            modules=resources.GIB // 2,
        ),
    )
}
"""By name."""


def find(name: str) -> Part:
    """Return a part.

    Raises
    ------
    UsageError
        There is none of this name.
    """
    if name not in PARTS:
        raise UsageError(
            "there is no such part.", step="find a part", object=name, next=f"use one of: {', '.join(sorted(PARTS))}"
        )
    return PARTS[name]
