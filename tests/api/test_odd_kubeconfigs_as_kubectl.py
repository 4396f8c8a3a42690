"""Kubeconfigs as hands and programs write them, and odd proxies: kubectl and kitlib are asked, and do the same."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.api.beside_kubectl import HERE, Make, World, one, plugin, variables, without_user
from tests.api.noting import config, data


def written(**about: object) -> Make:
    """Return what writes a kubeconfig with changes."""
    return lambda world: world.use(world.write("config", config(world.server.cluster(), **about)))


def renamed(name: object) -> Make:
    """Return what writes a kubeconfig whose context has another name."""
    context = [{"name": name, "context": {"cluster": "c", "user": "u"}}]
    return written(contexts=context, **{"current-context": name})


def crlf(world: World) -> None:
    text = json.dumps(config(world.server.cluster()), indent=2).replace("\n", "\r\n")
    world.use(world.write("config", text.encode()))


def authority_crlf(world: World) -> None:
    pem = (world.keys / "ca.crt").read_bytes().replace(b"\n", b"\r\n")
    one(cluster={"certificate-authority-data": base64.b64encode(b"# ours\r\n" + pem).decode()})(world)


def two_authorities(world: World) -> None:
    pem = (world.keys / "other.crt").read_bytes() + (world.keys / "ca.crt").read_bytes()
    one(cluster={"certificate-authority-data": base64.b64encode(pem).decode()})(world)


def wrapped(world: World) -> None:
    code = data(world.keys / "ca.crt")
    one(cluster={"certificate-authority-data": "\n".join(code[at : at + 64] for at in range(0, len(code), 64))})(world)


def a_folder(world: World) -> None:
    (world.folder / "config").mkdir()
    world.use(world.folder / "config")


def a_link(world: World) -> None:
    (world.folder / "deep").mkdir()
    world.write("deep/config", config(world.server.cluster(), {"tokenFile": "token"}))
    world.write("deep/token", "deep")
    world.write("token", "beside-the-link")
    (world.folder / "link").symlink_to("deep/config")
    world.use(world.folder / "link")


def relative(world: World) -> None:
    world.write("config", config(world.server.cluster()))
    world.environ["KUBECONFIG"] = "::config:"


def no_key(world: World) -> None:
    pair = {"client-certificate-data": data(world.keys / "client.crt"), "client-key-data": data(world.keys / "ca.key")}
    one(pair)(world)


def _exec(user: dict[str, Any], **about: object) -> dict[str, object]:
    return {"exec": {**user["exec"], **about}}


SAME: dict[str, Make] = {
    "a name with spaces and umlauts": renamed("mein Cluster – ünïcode"),
    "a name that is nothing": renamed(""),
    "a token with a line break at its end": one({"token": "t\n"}),
    "tokenFile with spaces around": one(lambda world: (world.write("t", " a \n\n"), {"tokenFile": "t"})[1]),
    "tokenFile that is not there": one({"tokenFile": "none"}),
    "as-groups that is no list": one({"token": "t", "as": "a", "as-groups": "b"}),
    "as-user-extra that is no list": one({"token": "t", "as": "a", "as-user-extra": {"scope": "b"}}),
    "exec: args that are no list": one(lambda world: _exec(plugin({"token": "t"})(world), args="now")),
    "insecure-skip-tls-verify as text": one(
        cluster={"insecure-skip-tls-verify": "false", "certificate-authority-data": None}
    ),
    "data that is no base64": one(cluster={"certificate-authority-data": "?"}),
    "data with line breaks": wrapped,
    "an authority with Windows' line ends and a comment": authority_crlf,
    "two authorities, the second is right": two_authorities,
    "a key that belongs to another certificate": no_key,
    "Windows' line ends": crlf,
    "a folder": a_folder,
    "a link: paths are meant from it": a_link,
    "empty parts of KUBECONFIG, and a relative one": relative,
    "server with a path and a query": lambda world: one(cluster={"server": f"{world.server.url}/a?b=c"})(world),
    "server with blanks around": lambda world: one(cluster={"server": f" {world.server.url} "})(world),
    "server in capitals": lambda world: one(cluster={"server": world.server.url.replace("https", "HTTPS")})(world),
    "fields that nobody knows": written(extensions=[{"name": "x", "extension": {"a": 1}}], made_by="hand"),
    "fields in capitals": lambda world: world.use(
        world.write("config", {key.capitalize(): value for key, value in config(world.server.cluster()).items()})
    ),
    "a second document": lambda world: world.use(
        world.write("config", "---\n" + json.dumps(config(world.server.cluster())) + "\n---\nkind: Config\n")
    ),
    "exec: words before the answer": one(
        lambda world: _exec(
            plugin({"token": "t"})(world), command=str(world.script("talks", "echo hello; cat answer.json"))
        )
    ),
    "exec: a token that is over": one(plugin({"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"})),
    "exec: a command with blanks": one(
        lambda world: _exec(
            plugin({"token": "t"})(world), command=str(world.script("my login", f"cat '{world.folder}/answer.json'"))
        )
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_the_server_sees_the_same(what: str, world: World) -> None:
    SAME[what](world)
    theirs, ours = world.by_kubectl(), world.by_kitlib()
    assert ours == theirs, f"kubectl: {world.told[-300:]} kitlib: {world.error}"


AWAY = f"http://{HERE}:8080"
NETWORKS: dict[str, Make] = {
    "HTTP_PROXY before http_proxy": variables(AWAY, HTTP_PROXY="http://PROXY", http_proxy="http://127.0.0.1:1"),
    "an empty HTTP_PROXY beside http_proxy": variables(AWAY, HTTP_PROXY="", http_proxy="http://PROXY"),
    "HTTP_PROXY in a CGI program": variables("http://127.0.0.1:1", HTTP_PROXY="http://PROXY", REQUEST_METHOD="GET"),
    "HTTP_PROXY with blanks": variables(AWAY, HTTP_PROXY=" http://PROXY "),
    "HTTP_PROXY with a path": variables(AWAY, HTTP_PROXY="http://PROXY/pac/"),
    "HTTP_PROXY whose port is none": variables(AWAY, HTTP_PROXY="http://127.0.0.1:port"),
    "NO_PROXY with blanks and empty parts": variables(
        "http://a.example.org", HTTP_PROXY="http://PROXY", NO_PROXY=" , b.org ,"
    ),
    "NO_PROXY with a star and a dot": variables(
        "http://a.example.invalid", HTTP_PROXY="http://PROXY", NO_PROXY="*.example.invalid"
    ),
    "NO_PROXY with a star within": variables("http://a.example.org", HTTP_PROXY="http://PROXY", NO_PROXY="a.*.org"),
    "NO_PROXY in capitals": variables(
        "http://a.example.invalid", HTTP_PROXY="http://PROXY", NO_PROXY="EXAMPLE.INVALID"
    ),
    "a name with a dot at its end": variables(
        "http://a.example.invalid.", HTTP_PROXY="http://PROXY", NO_PROXY="example.invalid"
    ),
    "a name with umlauts": variables("http://bücher.example.org", HTTP_PROXY="http://PROXY"),
}


@pytest.mark.parametrize("what", NETWORKS)
def test_the_same_way_is_taken(what: str, plain: World) -> None:
    NETWORKS[what](plain)
    theirs, ours = without_user(plain.by_kubectl()), without_user(plain.by_kitlib())
    assert ours == theirs, f"kubectl: {plain.told[-300:]} kitlib: {plain.error}"
