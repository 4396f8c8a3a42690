"""Requests behind an entry: when they follow a change, to whom nginx passed them on; what was seen of Ingresses."""

from __future__ import annotations

import json
import threading
from typing import Any

import pandas as pd
import pytest

import kitlib
from kitlib.lessons import figures, ingress
from kitlib.plots import twin
from kitlib.recording import Recording, WatchEvent
from kitlib.watch import Recorder

SECOND = 1_000_000_000


def requests(*served: str, client: str = "one", begin: float = 0.0) -> pd.DataFrame:
    """Ten requests a second, each served by somebody; "503" is an answer of nginx' own."""
    rows = [
        (round((begin + number / 10) * SECOND), client, *((503, "") if who == "503" else (200, who)))
        for number, who in enumerate(served)
    ]
    return pd.DataFrame(rows, columns=["monotonic_ns", "container", "status", "who"])


def at(second: float) -> pd.DataFrame:
    return pd.DataFrame({"monotonic_ns": [round(second * SECOND)]})


def seconds(table: pd.DataFrame) -> list[list[float | None]]:
    rows = table[list(ingress.STAGES)].to_numpy(dtype=object)
    return [[None if pd.isna(each) else round(each / SECOND, 3) for each in row] for row in rows]


def test_both_ways_may_be_in_use_for_a_time():
    traffic = requests("old", "old", "new", "old", "new", "new")
    assert seconds(ingress.changed("rule", at(0.05), traffic, "who == 'new'", "who == 'old'")) == [[0.05, 0.2, 0.4]]


def test_what_was_served_the_new_way_before_the_change_does_not_count():
    traffic = requests("new", "old", "old", "new")
    assert seconds(ingress.changed("rule", at(0.15), traffic, "who == 'new'", "who == 'old'")) == [[0.15, 0.3, 0.3]]


def test_a_pod_that_takes_its_share_and_one_that_does_not_any_more_have_one_moment():
    traffic = requests("a", "a", "b", "a", "b", "a")
    assert seconds(ingress.changed("more", at(0.05), traffic, new="who == 'b'")) == [[0.05, 0.2, 0.2]]
    assert seconds(ingress.changed("less", at(0.05), traffic, old="who == 'b'")) == [[0.05, 0.5, 0.5]]


def test_what_never_follows_has_no_time():
    traffic = requests("old", "old", "new", "old")
    assert seconds(ingress.changed("rule", at(0.05), traffic, "who == 'new'", "who == 'old'")) == [[0.05, 0.2, None]]
    assert seconds(ingress.changed("rule", at(0.05), traffic, "who == 'x'", "who == 'old'")) == [[0.05, None, None]]
    assert seconds(ingress.changed("rule", at(0).iloc[:0], traffic, "who == 'x'"))[0][0] is None


def test_each_client_has_a_row_and_the_figure_takes_them():
    traffic = pd.concat([requests("old", "new"), requests("old", "old", "new", client="two")])
    table = ingress.changed("rule", at(0.0), traffic, "who == 'new'", "who == 'old'")
    assert table["client"].tolist() == ["one", "two"] and seconds(table) == [[0.0, 0.1, 0.1], [0.0, 0.2, 0.2]]
    assert "first request 0.100 s later" in twin(figures.hops(table, ingress.STAGES))


class Log:
    """What was logged up to now."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def last(self, count: int) -> list[str]:
        return [*self.lines][-count:]


def test_the_last_requests_of_each_client_decide():
    new, old = '{"who":"new"}', '{"who":"old"}'
    one, two = Log(old, new, new), Log(new, new)
    assert ingress.served([one, two], '"who":"new"', last=2)
    assert not ingress.served([one, two], '"who":"new"', last=3)
    assert not ingress.served([one, two, Log(new, old)], '"who":"new"', last=2)
    assert not ingress.served([one, Log()], '"who":"new"', last=2)
    assert not ingress.served([], '"who":"new"')


def logs(*lines: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"at": pd.Timestamp("2026-11-29T12:00:01Z"), "name": "edge", "event": "", "line": pd.Series(lines, dtype="str")}
    )


def test_lines_that_nginx_wrote_of_requests_are_read_and_all_others_are_left_out():
    told = {"host": "shop.example", "path": "/cart", "status": 502, "upstream": "10.0.0.7:8080"}
    found = ingress.passed(
        logs(json.dumps(told), "2026/11/29 [notice] 1#1: exit", '{"upstream": 7}', '{"upstream":""}')
    )
    assert found[["host", "path", "status", "upstream"]].values.tolist() == [[*told.values()], ["", "", 0, ""]]
    assert found["name"].tolist() == ["edge", "edge"]
    empty = ingress.passed(logs())
    assert empty.empty and {"host", "upstream", "line"} <= set(empty.columns)


def recording(*items: dict[str, Any]) -> Recording:
    made = Recording()
    for number, item in enumerate(items):
        about = {
            "name": "site",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": str(number + 1),
            **item.pop("about", {}),
        }
        row = WatchEvent(
            *(number * SECOND, number * SECOND, "networking.k8s.io/v1", item.pop("kind", "Ingress")),
            *(about["namespace"], about["name"], about["uid"], about["resourceVersion"]),
            *("ADDED" if not number else "MODIFIED", "watch", "Ingress"),
            *(json.dumps({"metadata": about, **item}).encode(), number),
        )
        with made.changed:
            made._append(row)
    return made


def test_of_an_ingress_is_told_what_it_names_and_where_it_is_served():
    rule = {"http": {"paths": [{"backend": {"service": {"name": name}}} for name in ("b", "a", "b")]}}
    other = {"http": {"paths": [{"backend": {"resource": {"name": "bucket"}}}]}}
    spec = {"ingressClassName": "lesson", "rules": [rule, other, {"host": "bare"}]}
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"hostname": "edge.example"}]}}
    whole = {"defaultBackend": {"service": {"name": "z"}}}
    seen = ingress.ingresses(
        recording(
            {"spec": spec, "about": {"generation": 1}},
            {"spec": spec, "status": status, "about": {"generation": 1}},
            {"spec": whole, "about": {"generation": 2}},
            {"kind": "Service", "spec": {}},
        ),
        "shop",
    )
    assert seen["services"].tolist() == ["a,b", "a,b", "z"]
    assert seen["address"].tolist() == ["", "10.0.0.1,edge.example", ""]
    assert seen["ingressClassName"].tolist() == ["lesson", "lesson", ""]
    assert seen["generation"].tolist() == [1, 1, 2] and list(seen.columns) == [*ingress.VERSIONS, *ingress.NAMED]
    assert ingress.ingresses(recording({"spec": spec}), "elsewhere").empty


def test_of_a_kind_without_a_frame_each_version_is_told():
    made = recording({"kind": "Service"}, {"kind": "Service", "about": {"resourceVersion": "9"}}, {"spec": {}})
    seen = ingress.versions(made, "Service", "shop")
    assert seen[["monotonic_ns", "resourceVersion", "type", "generation"]].values.tolist() == [
        [0, 1, "ADDED", 0],
        [SECOND, 9, "MODIFIED", 0],
    ]
    assert ingress.versions(made, "Pod", "shop").empty


@pytest.fixture
def lab(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    monkeypatch.setenv("KITLIB_CLUSTER", cluster.name)
    lab = kitlib.open("ingress", kinds=("services",))
    yield lab
    lab.close()


SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}


@pytest.mark.live
def test_a_controller_follows_the_api_until_it_is_stopped(lab):
    seen: list[int] = []
    noticed = threading.Event()

    def follow(recorder: Recorder) -> None:
        while not recorder.stopped:
            recorder.wait_for(lambda: len(recorder.latest("services")) > len(seen), 60)
            seen[:] = [len(each["metadata"]["name"]) for each in recorder.latest("services")]
            if seen:
                noticed.set()

    controller = ingress.Controller(lab, ("services",), follow)
    lab.apply(SERVICE)
    assert noticed.wait(60)
    assert "running" in repr(controller)
    controller.stop()
    controller.stop()
    assert seen == [3] and "ended" in repr(controller)


@pytest.mark.live
def test_a_controller_that_failed_says_so_when_it_is_stopped_and_not_before(lab):
    failed = threading.Event()

    def fail(recorder: Recorder) -> None:
        failed.set()
        raise LookupError("no such rule")

    controller = ingress.Controller(lab, ("services",), fail)
    assert failed.wait(60)
    controller.close()
    with pytest.raises(LookupError, match="no such rule"):
        controller.stop()


@pytest.mark.live
def test_a_controller_ends_with_its_lab(lab):
    ended = threading.Event()

    def follow(recorder: Recorder) -> None:
        while not recorder.stopped:
            recorder.wait_for(lambda: False, 60)
        ended.set()

    ingress.Controller(lab, ("services",), follow)
    lab.close()
    assert ended.wait(60)
