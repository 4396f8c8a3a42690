"""The parts that there are, each with its version, its published image and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitlib.errors import UsageError
from kitlib.machine import resources


@dataclass(frozen=True)
class Change:
    """What is different in a file that is taken from a module.

    Parameters
    ----------
    path : str
        Of the file in the image.
    pattern : str
        A regular expression for several lines, which must be found.
    text : str
        What stands in its place.
    """

    path: str
    pattern: str
    text: str


@dataclass(frozen=True)
class Part:
    """A part beside Kubernetes: an image of programs, packages of Debian and files.

    Parameters
    ----------
    name : str
        What a lesson asks for. What there is of it in kitlib is in the folder of this name, beside this file: a go.mod
        that pins all modules, and in image/ files for the image.
    title : str
        What it is, in words.
    version : str
        Of the published image, without a leading v.
    published : str
        The image that its authors publish, by digest.
    config : mapping
        What its image runs and as whom, in the words of the OCI image specification; as the published image has it.
    programs : mapping
        What is compiled: path in the image to Go package; nothing where all of it is Debian's.
    module, revision : str
        The Go module that tells its version, and how Go calls that version.
    variable : str
        What is told the version when the programs are linked.
    taken : mapping
        What of that module goes into the image beside programs: folder there to folder in the image.
    changes : tuple of Change
        What is different in it here.
    packages : tuple of str
        Debian's packages, which come with all that they need.
    links : mapping
        Links in the image: path to target.
    folders : tuple of str
        Folders of the image that whoever runs it may write to.
    cache, modules : int
        What a cold build takes on the disk of Go's own cache and of modules, in bytes.
    """

    name: str
    title: str
    version: str
    published: str
    config: Mapping[str, Any]
    programs: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    revision: str = ""
    variable: str = ""
    taken: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    packages: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    cache: int = 0
    modules: int = 0

    @property
    def source(self) -> Path:
        """The folder with its go.mod and its files."""
        return Path(__file__).parent / self.name

    @property
    def image(self) -> str:
        """The name of the image that is made here; where all of it is Debian's, that decides the version."""
        return f"localhost/{self.name}:{self.version if self.programs else 'debian'}"


APPLETS = ("sh", "cat", "cp", "kill", "ls", "mkdir", "mv", "pgrep", "ps", "rm", "tee", "wc")
SHELL = {f"/usr/bin/{name}": "busybox" for name in APPLETS}
"""What a person looks into a container with, and a lesson writes files with."""
LOGS = {f"/var/log/nginx/{name}.log": f"/dev/{to}" for name, to in (("access", "stdout"), ("error", "stderr"))}
"""Where nginx logs: where `kubectl logs` looks, as in the published images."""
PARTS = {
    part.name: part
    for part in (
        Part(
            name="otel",
            title="OpenTelemetry's collector, with the receivers k8s_events and k8sobjects",
            version="0.145.0",
            published="otel/opentelemetry-collector-contrib:0.145.0"
            "@sha256:a7343f01869071ea3f4c5e1e97df1bb1b3c4d5c77247db80e053a80b9df530c4",
            config={"Entrypoint": ["/otelcol"], "User": "10001:10001"},
            programs={"/otelcol": "."},
            module="go.opentelemetry.io/collector/otelcol",
            revision="v0.145.0",
            variable="main.version",
            cache=resources.GIB // 2,
            modules=resources.GIB // 2,
        ),
        Part(
            name="nginx",
            title="nginx, a web server and proxy",
            version="1.30.5",
            published="library/nginx:1.30.5@sha256:b972f831f200b19ef0767938224f9711e74cd783718738cd7405d5cabf75c442",
            config={"Cmd": ["nginx", "-g", "daemon off;"], "StopSignal": "SIGQUIT"},
            packages=("nginx", "busybox"),
            links=SHELL | LOGS,
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
