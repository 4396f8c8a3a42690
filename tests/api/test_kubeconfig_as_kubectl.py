"""Each field of a kubeconfig, each variable of a network: kubectl and kitlib ask one server, and it sees the same.

The table of docs/kubeconfig.md is made of these. A real kubectl is needed: that of kitlib's own programs, or the one on
PATH. Where kitlib differs on purpose, a test of its own says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitlib.api.answers import NEVER
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError
from kitlib.machine import versions
from kitlib.machine.programs import find
from tests.api.noting import Server, certificates, config, data, socks

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
PLUGIN = "client.authentication.k8s.io/v1"
SAYS = f'{{"apiVersion":"{PLUGIN}","kind":"ExecCredential","status":{{"token":"TOKEN"}}}}'
Make = Callable[["World"], Any]


@pytest.fixture(scope="session")
def kubectl() -> str:
    """A kubectl itself: Google's, on PATH, is a program that chooses one of those beside it."""
    found = find.ready(versions.release()).paths.get("kubectl") or shutil.which("kubectl")
    if not found:
        pytest.skip("no kubectl: `kitlib up --provider embedded` gets one, or install it")
    beside = sorted(Path(found).resolve().parent.glob("kubectl.1.*"))
    return str(beside[-1] if beside else found)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("keys"))


class World:
    """A folder with kubeconfig files, the server that they point at, and both programs."""

    def __init__(self, folder: Path, keys: Path, server: Server, kubectl: str, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.keys, self.server = folder, keys, server
        self._kubectl, self._patch = kubectl, patch
        self.environ: dict[str, str] = {}

    def write(self, name: str, what: object) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, bytes):
            path.write_bytes(what)
        else:
            path.write_text(what if isinstance(what, str) else json.dumps(what))
        return path

    def script(self, name: str, text: str) -> Path:
        path = self.write(name, f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def use(self, *files: Path) -> None:
        self.environ["KUBECONFIG"] = os.pathsep.join(map(str, files))

    def by_kubectl(self, *words: str) -> tuple[bool, list[tuple[object, ...]]]:
        """Return whether kubectl got an answer, and what the server was asked."""
        self.server.asked.clear()
        kept = {key: value for key, value in os.environ.items() if key.upper() not in (*PROXIES, "KUBECONFIG")}
        done = subprocess.run(
            [self._kubectl, *words, "get", "--raw", "/version"],
            env={**kept, "HOME": str(self.folder), **self.environ},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.told = done.stderr.decode(errors="replace")
        return done.returncode == 0, [each.who() for each in self.server.asked]

    def by_kitlib(self, context: str | None = None) -> tuple[bool, list[tuple[object, ...]]]:
        """Return the same of kitlib."""
        self.server.asked.clear()
        for name in (*PROXIES, *map(str.lower, PROXIES)):
            self._patch.delenv(name, raising=False)
        for name, value in {"HOME": str(self.folder), **self.environ}.items():
            self._patch.setenv(name, value)
        self._patch.chdir(self.folder)
        try:
            Connection(None, context).get("/version", retry=NEVER, timeout=10)
            self.error = ""
        except KitlibError as error:
            self.error = str(error)
        return not self.error, [each.who() for each in self.server.asked]


@pytest.fixture
def world(tmp_path: Path, keys: Path, kubectl: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with Server(keys) as server:
        yield World(tmp_path, keys, server, kubectl, monkeypatch)


def one(user: Callable[[World], object] | object = None, cluster: dict[str, object] | None = None) -> Make:
    """Return what writes one kubeconfig with this user, and these fields of the cluster."""

    def make(world: World) -> None:
        about = user(world) if callable(user) else user
        world.use(world.write("config", config(world.server.cluster(**(cluster or {})), about)))

    return make


def pem(world: World) -> dict[str, object]:
    return {
        "client-certificate-data": data(world.keys / "client.crt"),
        "client-key-data": data(world.keys / "client.key"),
    }


def pem_files(world: World) -> dict[str, object]:
    for name in ("client.crt", "client.key"):
        shutil.copy(world.keys / name, world.folder / name)
    return {"client-certificate": "client.crt", "client-key": "client.key"}


def token_file(world: World) -> dict[str, object]:
    world.write("token", "from a file\n".replace(" ", "-"))
    return {"tokenFile": "token"}


def plugin(status: dict[str, object], **about: object) -> Callable[[World], dict[str, object]]:
    def make(world: World) -> dict[str, object]:
        answer = {"apiVersion": PLUGIN, "kind": "ExecCredential", "status": status}
        world.write("answer.json", answer)
        world.script("login", f'cat "{world.folder}/answer.json"')
        return {"exec": {"apiVersion": PLUGIN, "command": "./login", "interactiveMode": "Never", **about}}

    return make


def plugin_with_certificate(world: World) -> dict[str, object]:
    key, certificate = (world.keys / "client.key").read_text(), (world.keys / "client.crt").read_text()
    return plugin({"clientCertificateData": certificate, "clientKeyData": key})(world)


def plugin_env(world: World) -> dict[str, object]:
    text = SAYS.replace("TOKEN", "%s-%s")
    world.script("login", f'printf \'{text}\' "$WHO" "$1"')
    about = {"apiVersion": PLUGIN, "command": "./login", "interactiveMode": "Never", "args": ["now"]}
    return {"exec": {**about, "env": [{"name": "WHO", "value": "ada"}]}}


def plugin_told(world: World) -> dict[str, object]:
    """Answers with what it was told, so that the server sees it."""
    text = SAYS.replace("TOKEN", "%s")
    sorted_ = "import json,os;print(json.dumps(json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec'],sort_keys=True))"
    world.script("login", f'printf \'{text}\' "$(python3 -c "{sorted_}" | base64 -w0)"')
    about = {"apiVersion": PLUGIN, "command": "./login", "interactiveMode": "IfAvailable"}
    return {"exec": {**about, "provideClusterInfo": True}}


def files(*texts: Callable[[World], object]) -> Make:
    """Return what writes several files, and names them all."""

    def make(world: World) -> None:
        world.use(*(world.write(f"{number}/config", text(world)) for number, text in enumerate(texts)))

    return make


def encoded(codec: str, mark: bytes = b"") -> Make:
    def make(world: World) -> None:
        text = json.dumps(config(world.server.cluster()))
        world.use(world.write("config", mark + text.encode(codec)))

    return make


def user_in_another(world: World) -> None:
    whole = config(world.server.cluster())
    users = {"users": whole.pop("users")}
    world.use(world.write("a", whole), world.write("b", users))


def relative_to_its_file(world: World) -> None:
    for name in ("ca.crt", "client.crt", "client.key"):
        (world.folder / "deep").mkdir(exist_ok=True)
        shutil.copy(world.keys / name, world.folder / "deep" / name)
    user = {"client-certificate": "client.crt", "client-key": "./client.key"}
    cluster = {"server": world.server.url, "certificate-authority": "ca.crt"}
    world.use(world.write("deep/config", config(cluster, user)))


SAME: dict[str, Make] = {
    "token": one({"token": "t"}),
    "tokenFile": one(token_file),
    "token beside tokenFile": one(lambda world: {**token_file(world), "token": "t"}),
    "username, password": one({"username": "ada", "password": "p:ä"}),
    "token beside password": one({"token": "t", "username": "ada", "password": "p"}),
    "client-certificate-data, client-key-data": one(pem),
    "client-certificate, client-key": one(pem_files),
    "a certificate twice": one(lambda world: {**pem(world), **pem_files(world)}),
    "a certificate without a key": one(lambda world: {"client-certificate-data": data(world.keys / "client.crt")}),
    "a certificate and a token": one(lambda world: {**pem(world), "token": "t"}),
    "as": one({"token": "t", "as": "viewer"}),
    "as-groups": one({"token": "t", "as": "viewer", "as-groups": ["a", "b, c"]}),
    "as-uid": one({"token": "t", "as": "viewer", "as-uid": "17"}),
    "as-user-extra": one(
        {"token": "t", "as": "viewer", "as-user-extra": {"Acme/Project%": ["x", "y"], "scope": ["z"]}}
    ),
    "as-groups without as": one({"token": "t", "as-groups": ["a"]}),
    "exec: token": one(plugin({"token": "from-a-plugin"})),
    "exec: a certificate": one(plugin_with_certificate),
    "exec: args, env": one(plugin_env),
    "exec: provideClusterInfo": one(plugin_told),
    "exec: neither token nor certificate": one(plugin({})),
    "exec: another apiVersion": one(plugin({"token": "t"}, apiVersion="client.authentication.k8s.io/v1beta1")),
    "exec: an apiVersion of old": one(plugin({"token": "t"}, apiVersion="client.authentication.k8s.io/v1alpha1")),
    "exec: no interactiveMode": one(plugin({"token": "t"}, interactiveMode=None)),
    "exec: interactiveMode Always, no terminal": one(plugin({"token": "t"}, interactiveMode="Always")),
    "exec: no such program": one({"exec": {"apiVersion": PLUGIN, "command": "not-there", "interactiveMode": "Never"}}),
    "exec beside a token": one(lambda world: {**plugin({"token": "plugin"})(world), "token": "t"}),
    "exec beside auth-provider": one(
        lambda world: {**plugin({"token": "t"})(world), "auth-provider": {"name": "oidc"}}
    ),
    "tls-server-name": one(cluster={"tls-server-name": "api.example.org"}),
    "tls-server-name that the certificate lacks": one(cluster={"tls-server-name": "other.example.org"}),
    "insecure-skip-tls-verify": one(
        cluster={"insecure-skip-tls-verify": True, "certificate-authority-data": None},
    ),
    "insecure-skip-tls-verify beside an authority": one(cluster={"insecure-skip-tls-verify": True}),
    "another authority": lambda world: one(cluster={"certificate-authority-data": data(world.keys / "other.crt")})(
        world
    ),
    "the server's own certificate as authority": lambda world: one(
        cluster={"certificate-authority-data": data(world.keys / "server.crt")}
    )(world),
    "an authority that is no certificate": one(cluster={"certificate-authority-data": "bm8gY2VydGlmaWNhdGU="}),
    "certificate-authority that is not there": one(
        cluster={"certificate-authority-data": None, "certificate-authority": "none.crt"}
    ),
    "certificate-authority twice": one(cluster={"certificate-authority": "ca.crt"}),
    "server with a path": lambda world: one(cluster={"server": f"{world.server.url}/k8s/clusters/c-1/"})(world),
    "no server": one(cluster={"server": ""}),
    "proxy-url of no kind": one(cluster={"proxy-url": "gopher://127.0.0.1:70"}),
    "disable-compression": one(cluster={"disable-compression": True}),
    "paths are meant from the file": relative_to_its_file,
    "several files: the user in another": user_in_another,
    "several files: the first that has a name": files(
        lambda world: config(world.server.cluster(), {"token": "first"}),
        lambda world: config({"server": "https://127.0.0.1:1"}, {"token": "second"}),
    ),
    "several files: an entry is taken whole": files(
        lambda world: {"users": [{"name": "u", "user": {"token": "first"}}]},
        lambda world: config(world.server.cluster(), {"as": "viewer", "tokenFile": "none"}),
    ),
    "several files: current-context of the first that has one": files(
        lambda world: {"contexts": []},
        lambda world: config(world.server.cluster(), {"token": "second"}),
        lambda world: config(world.server.cluster(), **{"current-context": "nowhere"}),
    ),
    "several files: one that is not there": lambda world: world.use(
        world.folder / "none", world.write("config", config(world.server.cluster()))
    ),
    "an empty file": files(lambda world: "", lambda world: config(world.server.cluster())),
    "an entry without a name": lambda world: world.use(
        world.write(
            "config",
            config(
                world.server.cluster(),
                contexts=[{"context": {"cluster": "c"}}, {"name": "x", "context": {"cluster": "c", "user": "u"}}],
            ),
        )
    ),
    "two entries of one name": lambda world: world.use(
        world.write("config", config(world.server.cluster(), users=[{"name": "u", "user": {"token": t}} for t in "ab"]))
    ),
    "a broken file": lambda world: world.use(world.write("config", "apiVersion: v1\nkind: Config\ncontexts:\n\t- x\n")),
    "another kind": lambda world: world.use(world.write("config", {**config(world.server.cluster()), "kind": "Pod"})),
    "no current context": lambda world: world.use(
        world.write("config", config(world.server.cluster(), **{"current-context": "nowhere"}))
    ),
    "a context without a cluster": lambda world: world.use(
        world.write("config", config(world.server.cluster(), context={"cluster": "other"}))
    ),
    "UTF-8 with a byte-order mark": encoded("utf-8", b"\xef\xbb\xbf"),
    "UTF-16 with a byte-order mark": encoded("utf-16"),
    "Latin-1": lambda world: world.use(
        world.write(
            "config", json.dumps(config(world.server.cluster(), {"token": "ä"}), ensure_ascii=False).encode("latin-1")
        )
    ),
    "YAML with anchors and comments": lambda world: world.use(
        world.write(
            "config",
            f"# mine\napiVersion: v1\nkind: Config\nclusters:\n- name: c\n"
            f"  cluster: &c {json.dumps(world.server.cluster())}\n"
            "- {name: d, cluster: *c}\nusers: [{name: u, user: {token: t}}]\n"
            "contexts: [{name: x, context: {cluster: d, user: u}}]\ncurrent-context: x\n",
        )
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_the_server_sees_the_same(what: str, world: World) -> None:
    SAME[what](world)
    theirs, ours = world.by_kubectl(), world.by_kitlib()
    assert ours == theirs, f"kubectl: {world.told[-300:]} kitlib: {world.error}"


HERE = "192.0.2.1"
"""An address that is nobody's (RFC 5737): who asks it needs the proxy."""


def variables(server: str, **environ: str) -> Make:
    """Return what writes a kubeconfig to a server somewhere, and sets variables; PROXY stands for the noting server."""

    def make(world: World) -> None:
        world.use(world.write("config", config({"server": server}, {"token": "t"})))
        for name, value in environ.items():
            address = world.server.url.partition("://")[2]
            world.environ[name] = value.replace("PROXY", address)

    return make


NETWORKS: dict[str, Make] = {
    "HTTP_PROXY": variables(f"http://{HERE}:8080", HTTP_PROXY="http://PROXY"),
    "http_proxy, without a scheme": variables(f"http://{HERE}:8080", http_proxy="PROXY"),
    "HTTP_PROXY with a password": variables(f"http://{HERE}:8080", HTTP_PROXY="http://ada:p%40ss@PROXY"),
    "HTTP_PROXY is not for https": variables(f"https://{HERE}:1", HTTP_PROXY="http://PROXY", NO_PROXY=""),
    "HTTPS_PROXY": variables(f"https://{HERE}:6443", HTTPS_PROXY="http://PROXY"),
    "HTTPS_PROXY with a password": variables(f"https://{HERE}:6443", https_proxy="http://ada:p%40ss@PROXY"),
    "NO_PROXY: another address": variables(f"http://{HERE}:80", HTTP_PROXY="http://PROXY", NO_PROXY="192.0.2.2,x.org"),
    "NO_PROXY: another port": variables(f"http://{HERE}:80", HTTP_PROXY="http://PROXY", NO_PROXY=f"{HERE}:81"),
    "NO_PROXY: another network": variables(f"http://{HERE}:80", HTTP_PROXY="http://PROXY", no_proxy="192.0.3.0/24"),
    "NO_PROXY: a name that only ends so": variables(
        "http://badexample.org", HTTP_PROXY="http://PROXY", NO_PROXY="example.org,.badexample.org"
    ),
    "proxy-url": lambda world: world.use(
        world.write("config", config({"server": f"http://{HERE}", "proxy-url": world.server.url}, {"token": "t"}))
    ),
    "proxy-url before HTTP_PROXY and NO_PROXY": lambda world: (
        world.environ.update(HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="*"),
        world.use(
            world.write("config", config({"server": f"http://{HERE}", "proxy-url": world.server.url}, {"token": "t"}))
        ),
    ),
    "loopback goes to no proxy": lambda world: (
        world.environ.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:1")),
        variables(world.server.url)(world),
    ),
    "localhost goes to no proxy": lambda world: (
        world.environ.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1")),
        variables(world.server.url.replace("127.0.0.1", "localhost"))(world),
    ),
    "ALL_PROXY is not read": lambda world: (
        world.environ.update(ALL_PROXY=world.server.url),
        variables("http://127.0.0.1:1")(world),
    ),
}


@pytest.fixture
def plain(tmp_path: Path, keys: Path, kubectl: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose server speaks plain HTTP, and may be a proxy."""
    with Server() as server:
        yield World(tmp_path, keys, server, kubectl, monkeypatch)


def without_user(asked: tuple[bool, list[tuple[Any, ...]]]) -> object:
    """Return what was asked but for the user's own token: kubectl sends none over plain HTTP."""
    return asked[0], [(*each[:3], tuple(pair for pair in each[3] if pair[0] != "authorization")) for each in asked[1]]


@pytest.mark.parametrize("what", NETWORKS)
def test_the_same_way_is_taken(what: str, plain: World) -> None:
    NETWORKS[what](plain)
    theirs, ours = without_user(plain.by_kubectl()), without_user(plain.by_kitlib())
    assert ours == theirs, f"kubectl: {plain.told[-300:]} kitlib: {plain.error}"


@pytest.mark.parametrize("how", ["HTTP_PROXY", "proxy-url"])
def test_a_socks_proxy_is_asked_for_the_same_name(how: str, plain: World) -> None:
    with socks() as (proxy, noted):
        cluster = {"server": "http://api.example.invalid:8080", **({"proxy-url": proxy} if how == "proxy-url" else {})}
        plain.use(plain.write("config", config(cluster)))
        if how != "proxy-url":
            plain.environ[how] = proxy
        assert not plain.by_kubectl()[0]
        theirs = sorted(set(noted))
        noted.clear()
        assert not plain.by_kitlib()[0] and "proxy" in plain.error
        assert sorted(set(noted)) == theirs == ["api.example.invalid:8080"]
