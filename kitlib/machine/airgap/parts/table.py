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
        The image that its authors publish, by digest; a tag alone where that couldn't be looked up; "" where there is
        none on the hub: it is made here then, also where a registry answers.
    kubernetes : bool
        Whether that is where Kubernetes publishes its own images; a cluster's nodes know where that is.
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
    unmade : str
        Why it can't be made here, where its authors' image is the only way.
    """

    name: str
    title: str
    version: str
    config: Mapping[str, Any]
    published: str = ""
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
    kubernetes: bool = False
    unmade: str = ""

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
LUA = {
    f"/usr/local/share/lua/5.1/resty/{name}.lua": target
    for name, target in (
        ("cookie", "/usr/share/lua/5.1/nginx/cookie.lua"),  # Debian gives these two another name
        ("dns/resolver", "/usr/share/lua/5.1/nginx/dns/resolver.lua"),
        ("global_throttle", "absent.lua"),
        ("http", "absent.lua"),
        ("ipmatcher", "absent.lua"),
    )
}
"""The libraries that ingress-nginx expects beside those that kitlib writes itself."""
MODULES = ("ndk_http", "ngx_http_headers_more_filter", "ngx_http_lua", "ngx_stream")
STREAM = """\
stream {
    server {
        listen 127.0.0.1:{{ .StreamPort }};
        return "";
    }
}
"""
OF_TEMPLATE = tuple(
    Change("/etc/nginx/template/nginx.tmpl", pattern, text)
    for pattern, text in (
        # Debian's nginx has these as modules
        (
            r"^pid \{\{ \.PID \}\};\n",
            "pid {{ .PID }};\n" + "".join(f"load_module modules/{name}_module.so;\n" for name in MODULES),
        ),
        # its version knows HTTP/2 by another name, of each address that it listens at
        (r"^ *http2 on;\n", ""),
        # its stream module knows no Lua: no TCP and UDP services, just somebody who hears about them
        (r"^stream \{\n(?:.*\n)*?^\}\n", STREAM),
    )
)
"""What nginx' configuration is made from differs from that of the published image."""

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
        Part(
            name="traefik",
            title="Traefik, an ingress controller; with an image that is made here it fetches no certificates by ACME",
            version="3.7.13",
            published="library/traefik:v3.7.13@sha256:24841fe2de7304c149343d877d2923b4c8800a38ba015dea9174c23b20e344a0",
            config={"Entrypoint": ["/traefik"]},
            programs={"/traefik": "github.com/traefik/traefik/v3/cmd/traefik"},
            module="github.com/traefik/traefik/v3",
            revision="v3.7.13",
            variable="github.com/traefik/traefik/v3/pkg/version.Version",
            folders=("/tmp",),
            cache=2 * resources.GIB,
            modules=3 * resources.GIB // 2,
        ),
        Part(
            name="ingress-nginx",
            title="ingress-nginx, the ingress controller that Kubernetes retired",
            version="1.11.0",
            kubernetes=True,
            published="ingress-nginx/controller:v1.11.0"
            "@sha256:a886e56d532d1388c77c8340261149d974370edca1093af4c97a96fb1467cb39",
            config={"Entrypoint": ["dumb-init", "--"], "Cmd": ["/nginx-ingress-controller"], "User": "101"},
            programs={
                "/nginx-ingress-controller": "k8s.io/ingress-nginx/cmd/nginx",
                "/wait-shutdown": "k8s.io/ingress-nginx/cmd/waitshutdown",
            },
            module="k8s.io/ingress-nginx",
            revision="v0.0.0-20240708192948-52c50467d67d",
            variable="k8s.io/ingress-nginx/version.RELEASE",
            taken={"rootfs/etc/nginx": "/etc/nginx"},
            changes=OF_TEMPLATE,
            packages=(
                *("nginx", "libnginx-mod-http-headers-more-filter", "libnginx-mod-http-lua", "libnginx-mod-stream"),
                *("lua-cjson", "lua-nginx-cookie", "lua-nginx-dns", "busybox", "dumb-init"),
            ),
            links=SHELL | LOGS | LUA | {"/usr/bin/nginx": "../sbin/nginx"},
            folders=(
                "/tmp",
                "/tmp/nginx",
                "/etc/nginx",
                "/var/lib/nginx",
                *(f"/etc/ingress-controller/{name}" for name in ("auth", "geoip", "ssl", "telemetry")),
            ),
            cache=resources.GIB // 2,
            modules=resources.GIB // 2,
        ),
        Part(
            name="bind9",
            title="BIND 9, a DNS server whose zones may be changed while it runs",
            version="9.20",
            published="internetsystemsconsortium/bind9:9.20"
            "@sha256:071465f88068854d0ceadd9b985fb1acae4071e80754e545cd811fde57541ad0",
            config={"Cmd": ["named", "-g"]},
            packages=("bind9", "busybox"),
            links=SHELL,
        ),
        Part(
            name="external-dns",
            title="external-dns, which writes names of Services and Ingresses into a DNS server outside",
            version="0.21.0",
            kubernetes=True,
            published="external-dns/external-dns:v0.21.0"
            "@sha256:f53faaf71cb270d1ca9dce6ea0c94bfebf1a18696263487f0fbc74b9bf2bd7ff",
            config={"Entrypoint": ["/external-dns"], "User": "65532"},
            programs={"/external-dns": "sigs.k8s.io/external-dns"},
            module="sigs.k8s.io/external-dns",
            revision="v0.21.0",
            variable="sigs.k8s.io/external-dns/pkg/apis/externaldns.Version",
            cache=2 * resources.GIB,
            modules=2 * resources.GIB,
        ),
        Part(
            name="vip",
            title="one address for several API servers, by ARP or by BGP: a program of kitlib's, as kube-vip does it",
            version="0.37.2",
            config={"Entrypoint": ["/vip"]},
            programs={"/vip": "."},
            module="k8s.io/client-go",
            revision="v0.37.2",
            variable="main.version",
            cache=resources.GIB,
            modules=resources.GIB // 2,
        ),
        Part(
            name="metallb",
            title="MetalLB, addresses for Services of type LoadBalancer: its controller and its speaker in one image",
            version="0.16.1",
            config={},
            programs={f"/{name}": f"go.universe.tf/metallb/{name}" for name in ("controller", "speaker")},
            module="go.universe.tf/metallb",
            revision="v0.16.1",
            variable="go.universe.tf/metallb/internal/version.version",
            folders=("/tmp",),
            cache=resources.GIB,
            modules=resources.GIB,
        ),
        Part(
            name="bird",
            title="BIRD, a router's program",
            version="2",
            config={"Entrypoint": ["/usr/sbin/bird", "-f"]},
            packages=("bird2",),
            folders=("/run/bird",),
        ),
    )
}
"""By name: what can be made where no registry answers."""
UNMADE = "no package registry has what it could be made of"
PUBLISHED = {
    part.name: part
    for part in (
        Part(
            name="kong",
            title="Kong, a gateway: nginx with plugins",
            version="3.9.1",
            published="library/kong:3.9.1@sha256:76c14b93e989f7f4418039f7f9789ca32564016211c86ac1a18022f4788e7b9c",
            config={},
            unmade=UNMADE,
        ),
        Part(
            name="kong-controller",
            title="Kong's ingress controller, which tells a Kong what to do",
            version="3.5.13",
            published="kong/kubernetes-ingress-controller:3.5.13",
            config={},
            unmade=UNMADE,
        ),
        Part(
            name="kube-vip",
            title="kube-vip, which gives several API servers one address",
            version="1.2.1",
            published="plndr/kube-vip:v1.2.1@sha256:44035f68040c9eb99103c65f1f9ab9698d93f9f272110825705338ac1926f3d9",
            config={},
            unmade=UNMADE,
        ),
    )
}
"""By name: what there is as its authors' image only."""


def find(name: str) -> Part:
    """Return a part.

    Raises
    ------
    UsageError
        There is none of this name.
    """
    known = PARTS | PUBLISHED
    if name not in known:
        raise UsageError(
            "there is no such part.", step="find a part", object=name, next=f"use one of: {', '.join(sorted(known))}"
        )
    return known[name]
