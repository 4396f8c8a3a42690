"""Proxies: one of this machine is not handed on to containers, any other is."""

from __future__ import annotations

import pytest

from kitlib.cluster.kind import engines
from kitlib.machine import proxies


@pytest.mark.parametrize(
    ("proxy", "handed"),
    [
        ("http://127.0.0.1:3128", False),
        ("127.9.9.9:3128", False),
        ("http://localhost:3128", False),
        ("LOCALHOST:3128", False),
        ("http://name:word@[::1]:3128/", False),
        ("socks5://proxy.localhost:1080", False),
        ("http://proxy.example:3128", True),
        ("http://10.0.0.1:3128", True),
        ("proxy:3128", True),
        ("http://[broken", True),
    ],
)
def test_only_a_proxy_that_a_container_can_reach_is_handed_on(
    proxy: str, handed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HTTPS_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "localhost", "PATH": "/bin"}
    kept = {"NO_PROXY": "localhost", "PATH": "/bin"}
    assert proxies.for_containers(environ) == (environ if handed else kept)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    client = engines.from_record({"engine": "docker"})
    assert client is not None and ("HTTPS_PROXY" in client.environment) == handed
