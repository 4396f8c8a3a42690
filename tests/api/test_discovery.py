"""Kinds by any of their names; one API that is broken, slow or half-written holds up no other."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kitlib.api import discovery
from kitlib.api.transport import Connection
from kitlib.errors import KitlibError, UsageError
from tests.api.noting import Server, config


def listed(*items: object) -> dict[str, object]:
    return {"kind": "APIResourceList", "resources": list(items)}


def item(plural: str, kind: str, *short: str) -> dict[str, object]:
    names = {"name": plural, "singularName": kind.lower(), "kind": kind, "shortNames": list(short)}
    return {**names, "namespaced": True}


def group(version: str, *more: str) -> dict[str, object]:
    versions = [{"groupVersion": each} for each in (version, *more)]
    return {"name": version.partition("/")[0], "versions": versions, "preferredVersion": versions[-1]}


class Served:
    """What a server says that it serves, by path; a function answers by itself."""

    def __init__(self) -> None:
        self.paths: dict[str, Any] = {
            "/api/v1": listed(item("pods", "Pod", "po"), item("pods/log", "Pod")),
            "/apis/apps/v1": listed(item("deployments", "Deployment", "deploy")),
            "/apis": {"groups": [group("metrics.example.io/v1"), group("shop.example.io/v1", "shop.example.io/v2")]},
            "/apis/shop.example.io/v1": listed(item("orders", "Order")),
            "/apis/shop.example.io/v2": listed(item("orders", "Order", "ord")),
            "/apis/metrics.example.io/v1": listed(item("loads", "Load")),
        }

    def answer(self, handler: Any) -> bool:
        found = self.paths.get(handler.path)
        if found is None:
            handler.json({"kind": "Status", "code": 404}, 404)
        elif callable(found):
            found(handler)
        else:
            handler.json(found)
        return True


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def connection(served: Served, tmp_path: Path) -> Iterator[Connection]:
    with Server(answer=served.answer) as server:
        (tmp_path / "config").write_text(json.dumps(config(server.cluster())))
        yield Connection(tmp_path / "config")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        *((name, "apps/v1") for name in ("Deployment", "deployments", "deployment", "deploy", "DEPLOY")),
        *((name, "apps/v1") for name in ("deployments.apps", "deployments.v1.apps", "Deployment.apps")),
        *((name, "v1") for name in ("po", "pods", "pods.v1")),
        *((name, "shop.example.io/v2") for name in ("orders", "ord", "orders.shop.example.io")),
        *((name, "shop.example.io/v1") for name in ("orders.v1.shop.example.io",)),
    ],
)
def test_a_kind_is_found_by_any_name_that_kubectl_takes(name: str, version: str, connection: Connection) -> None:
    assert connection.discover(name).group_version == version


@pytest.mark.parametrize(
    "name", ["order.apps", "orders.v3.shop.example.io", "pods.apps", "deployments.v2.apps", "", "pods/log"]
)
def test_no_other_kind_is_taken_for_it(name: str, connection: Connection) -> None:
    with pytest.raises(UsageError, match="serves no kind"):
        connection.discover(name)


BROKEN: dict[str, Any] = {
    "503": lambda handler: handler.send(b"service unavailable", 503),
    "403": lambda handler: handler.json({"kind": "Status", "message": "forbidden"}, 403),
    "a page": lambda handler: handler.send(b"<html>", kind="text/html"),
    "no list": {},
    "a list of nothing": [],
    "text": lambda handler: handler.send(b"hello"),
}
ODD: dict[str, Any] = {
    "resources: null": listed() | {"resources": None},
    "resources: a map": listed() | {"resources": {}},
    "no kind": listed({"name": "loads"}),
    "no name": listed({"kind": "Load"}),
    "null": listed(None),
    "no short names": listed({"name": "loads", "kind": "Load", "shortNames": None}),
}


@pytest.mark.parametrize("what", [*BROKEN, *ODD])
def test_one_broken_api_hides_no_other_kind(what: str, connection: Connection, served: Served) -> None:
    served.paths["/apis/metrics.example.io/v1"] = {**BROKEN, **ODD}[what]
    assert connection.discover("orders").kind == "Order"
    with pytest.raises(UsageError, match="serves no kind 'ordrs'") as caught:
        connection.discover("ordrs")
    assert ("metrics.example.io/v1 did not answer" in str(caught.value)) is (what in BROKEN)


@pytest.mark.parametrize("what", BROKEN)
def test_a_kind_of_the_broken_api_is_not_called_unknown(what: str, connection: Connection, served: Served) -> None:
    served.paths["/apis/metrics.example.io/v1"] = BROKEN[what]
    for name, version in (("loads.metrics.example.io", None), ("loads", "metrics.example.io/v1")):
        with pytest.raises(KitlibError) as caught:
            connection.discover(name, version)
        assert "serves no kind" not in str(caught.value)


def test_one_that_hangs_is_waited_for_a_while_only(
    connection: Connection, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    monkeypatch.setattr(discovery, "PATIENCE", 0.5)
    served.paths["/apis/metrics.example.io/v1"] = lambda handler: stop.wait(20)
    began = time.monotonic()
    assert connection.discover("orders").kind == "Order"
    assert time.monotonic() - began < 5
    stop.set()


@pytest.mark.parametrize("path", ["/api/v1", "/apis", "/apis/shop.example.io/v2", "/apis/metrics.example.io/v1"])
def test_a_server_that_is_busy_is_asked_again_when_it_said(path: str, connection: Connection, served: Served) -> None:
    then, at = served.paths[path], []

    def busy(handler: Any) -> None:
        at.append(time.monotonic())
        if len(at) == 1:
            handler.json({"kind": "Status", "code": 429}, 429, Retry_After="1")
        else:
            handler.json(then)

    served.paths[path] = busy
    assert connection.discover("orders").group_version == "shop.example.io/v2"
    assert len(at) == 2 and at[1] - at[0] >= 1


@pytest.mark.parametrize("groups", [None, {}, [None], [{"versions": None}], [{"versions": [{}]}]])
def test_an_odd_list_of_groups_hides_no_built_in_kind(groups: object, connection: Connection, served: Served) -> None:
    served.paths["/apis"] = {"kind": "APIGroupList", "groups": groups}
    assert connection.discover("pods").kind == "Pod"
    with pytest.raises(UsageError):
        connection.discover("orders")


def test_a_kind_that_comes_later_is_found(connection: Connection, served: Served) -> None:
    with pytest.raises(UsageError):
        connection.discover("carts")
    served.paths["/apis/shop.example.io/v2"] = listed(item("carts", "Cart"))
    assert connection.discover("carts").kind == "Cart"
    asked: list[Callable[..., object]] = []
    served.paths["/apis/shop.example.io/v2"] = asked.append
    assert connection.discover("carts").kind == "Cart" and not asked  # what is known is not asked again
