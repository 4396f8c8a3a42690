"""Each variable of a network, each proxy of a kubeconfig: kubectl and kitlib take the same way."""

from __future__ import annotations

import pytest

from tests.api.beside_kubectl import HERE, Make, World, variables, without_user
from tests.api.noting import config, socks

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
