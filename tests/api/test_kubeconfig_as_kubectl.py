"""Each field of a kubeconfig: kubectl and kitlib ask one server, and it sees the same.

The table of docs/kubeconfig.md is made of these. A real kubectl is needed: that of kitlib's own programs, or the one on
PATH. Where kitlib differs on purpose, a test of its own says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from tests.api.beside_kubectl import PLUGIN, Make, World, one, plugin
from tests.api.noting import config, data

SAYS = f'{{"apiVersion":"{PLUGIN}","kind":"ExecCredential","status":{{"token":"TOKEN"}}}}'


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
