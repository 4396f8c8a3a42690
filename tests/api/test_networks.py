"""Which proxy is taken, by the rules of Go's net/http, and what is said where it doesn't help."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from kitlib.api import proxies
from kitlib.api.transport import Connection
from kitlib.errors import ClusterError
from tests.api.noting import Server, certificates, config

P = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "environ", "proxy"),
    [
        ("http://x.org", {"HTTP_PROXY": P}, P),
        ("http://x.org", {"http_proxy": P}, P),
        ("http://x.org", {"HTTP_PROXY": "proxy:3128"}, P),
        ("http://x.org", {"HTTPS_PROXY": P}, ""),
        ("https://x.org", {"HTTPS_PROXY": P}, P),
        ("https://x.org", {"HTTP_PROXY": P}, ""),
        ("https://x.org", {"ALL_PROXY": P}, ""),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": P}, ""),
        ("https://127.9.9.9", {"HTTPS_PROXY": P}, ""),
        ("https://[::1]:6443", {"HTTPS_PROXY": P}, ""),
        ("https://localhost:6443", {"HTTPS_PROXY": P}, ""),
        ("https://localhost.org", {"HTTPS_PROXY": P}, P),
        ("https://x.org", {"HTTPS_PROXY": P, "NO_PROXY": "*"}, ""),
        ("https://x.org", {"HTTPS_PROXY": P, "NO_PROXY": "y.org, x.org"}, ""),
        ("https://a.x.org", {"HTTPS_PROXY": P, "NO_PROXY": "x.org"}, ""),
        ("https://a.x.org", {"HTTPS_PROXY": P, "NO_PROXY": ".x.org"}, ""),
        ("https://x.org", {"HTTPS_PROXY": P, "NO_PROXY": ".x.org"}, P),
        ("https://a.x.org", {"HTTPS_PROXY": P, "NO_PROXY": "*.x.org"}, ""),
        ("https://badx.org", {"HTTPS_PROXY": P, "NO_PROXY": "x.org"}, P),
        ("https://X.ORG", {"HTTPS_PROXY": P, "NO_PROXY": "x.org"}, ""),
        ("https://x.org", {"HTTPS_PROXY": P, "NO_PROXY": "x.org:443"}, ""),
        ("https://x.org", {"HTTPS_PROXY": P, "NO_PROXY": "x.org:6443"}, P),
        ("https://10.1.2.3", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, P),
        ("https://10.1.2.3", {"HTTPS_PROXY": P, "NO_PROXY": "10.1.2.3"}, ""),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": P, "NO_PROXY": "10.1.2.3:6443"}, ""),
        ("https://[fd00::1]", {"HTTPS_PROXY": P, "NO_PROXY": "fd00::/8"}, ""),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": P, "NO_PROXY": "[fd00::1]:6443"}, ""),
        ("https://x.org", {}, ""),
    ],
)
def test_a_proxy_is_chosen_as_go_does(server: str, environ: dict[str, str], proxy: str) -> None:
    assert proxies.choose(server, "", environ) == proxy


def test_the_context_s_own_proxy_goes_before_all() -> None:
    assert proxies.choose("https://127.0.0.1", "socks5://p", {"HTTPS_PROXY": P, "NO_PROXY": "*"}) == "socks5://p"


def connect(folder: Path, **cluster: object) -> Connection:
    (folder / "config").write_text(json.dumps(config({"server": "http://api.example.invalid", **cluster})))
    return Connection(folder / "config")


def test_a_proxy_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    connection = connect(tmp_path, **{"proxy-url": "http://ada:secret@127.0.0.1:9"})
    with pytest.raises(ClusterError, match=r"through the proxy http://127\.0\.0\.1:9: [\s\S]*proxy-url") as caught:
        connection.get("/version")
    assert "secret" not in str(caught.value)


def test_without_pysocks_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any) -> Any:
        if name == "urllib3.contrib.socks":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(ClusterError, match=r"needs PySocks[\s\S]*pip install pysocks"):
        connect(tmp_path, **{"proxy-url": "socks5://127.0.0.1:9"}).get("/version")


def test_groups_stay_apart_through_a_proxy(tmp_path: Path) -> None:
    """A proxy's own headers are added to the user's; none of these may be joined."""
    user = {"token": "t", "as": "viewer", "as-groups": ["a", "b"]}
    with Server() as server:
        about = {"server": "http://api.example.invalid", "proxy-url": server.url.replace("//", "//ada:p@")}
        (tmp_path / "config").write_text(json.dumps(config(about, user)))
        Connection(tmp_path / "config").get("/version")
        asked = server.asked[0]
    assert asked.headers["impersonate-group"] == ["a", "b"] and asked.path == "http://api.example.invalid/version"
    assert asked.get("proxy-authorization").startswith("Basic ")


def test_who_is_not_verified_is_told_once_and_by_no_library(
    keys: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    with Server(keys) as server:
        about = {"server": server.url, "insecure-skip-tls-verify": True}
        (tmp_path / "config").write_text(json.dumps(config(about)))
        for _ in range(3):
            Connection(tmp_path / "config").get("/version")
    assert capfd.readouterr().err.count("is not verified") == 1
    assert not list(recwarn)


def test_an_authority_made_by_hand_is_good_enough_as_it_is_for_kubectl(tmp_path: Path) -> None:
    """Python 3.13 alone would refuse it: no key usage, no key identifiers."""
    with Server(certificates(tmp_path / "lax", lax=True)) as server:
        (tmp_path / "config").write_text(json.dumps(config(server.cluster())))
        Connection(tmp_path / "config").get("/version")
