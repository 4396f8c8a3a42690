"""Each benchmark runs, with tiny sizes and whatever clients are installed; nothing here says anything about time."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pandas as pd
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))  # benchmarks/ is part of the checkout, not of what is installed

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import _contest, _corpus, _peers, _report, _rows, _server, disk, frames, growth, memory, recorder, up  # noqa: E402  # noqa: E402
from benchmarks import list as listing  # noqa: E402
from benchmarks import watch as watching  # noqa: E402
from benchmarks._contest import Aim, Result  # noqa: E402
from benchmarks._gate import Gate  # noqa: E402

CLIENTS = {
    "kubernetes": _peers.list_official,
    "kr8s": _peers.list_kr8s,
    "lightkube": _peers.list_lightkube,
}


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads instead of processes, which would each need seconds to import what they measure."""
    monkeypatch.setattr(_contest, "APART", False)


def checked(results: list[Result]) -> list[Result]:
    assert results
    for result in results:
        least, most = result.spread
        assert least <= result.value <= most
        assert (result.peer is None) == (result.peer_value is None)
    assert len(_report.lines(_report.entries("some", results))) == len(results)
    return results


class TestCorpus:
    def test_copies_differ_in_what_tells_objects_apart_and_in_nothing_else(self):
        count = len(_corpus.recorded())
        objects = [json.loads(body) for _, body in _corpus.rows(2 * count)]
        first, second = objects[:count], objects[count:]
        for one, other in zip(first, second, strict=True):
            assert one["metadata"]["uid"] != other["metadata"]["uid"]
            assert one["metadata"]["namespace"] != other["metadata"]["namespace"]
            assert one.get("spec", {}).keys() == other.get("spec", {}).keys()
            assert one.get("status", {}).get("phase") == other.get("status", {}).get("phase")
        uids = {meta["metadata"]["uid"] for meta in first} & {meta["metadata"]["uid"] for meta in second}
        assert not uids

    def test_versions_of_a_kind_rise_also_from_copy_to_copy(self):
        last: dict[str, int] = {}
        for row, body in _corpus.rows(2 * len(_corpus.recorded()) + 100):
            version = int(json.loads(body)["metadata"]["resourceVersion"])
            assert version > last.get(row.plural, 0)
            last[row.plural] = version

    def test_what_follows_a_version_is_the_rest_of_the_same(self):
        everything = [body for _, body in _corpus.rows(5000, "Pod")]
        middle = int(json.loads(everything[1000])["metadata"]["resourceVersion"])
        assert [body for _, body in _corpus.rows(5000, "Pod", after=middle)] == everything[1001:]

    def test_objects_end_so_that_they_do_not_pile_up(self):
        alive: set[str] = set()
        for row, body in _corpus.rows(3 * len(_corpus.recorded())):
            uid = json.loads(body)["metadata"]["uid"]
            (alive.discard if row.type == "DELETED" else alive.add)(uid)
        assert not alive

    def test_updates_are_as_many_as_asked_for(self):
        assert len(list(_corpus.updates(2000, "Pod"))) == 2000
        assert not any(row.added for row, _ in _corpus.updates(2000, "Pod"))


@pytest.mark.usefixtures("together")
class TestServer:
    @pytest.mark.parametrize("framing", ["chunks", "whole"])
    def test_every_client_lists_the_same_frame(self, framing):
        with _server.serving(pods=60, framing=framing) as kubeconfig:
            ours = _peers.list_kitlib(kubeconfig)()[list(_rows.COLUMNS)]
            assert ours["uid"].is_unique and len(ours) == 60
            for module, prepare in CLIENTS.items():
                if not _peers.installed(module):
                    continue
                theirs = prepare(kubeconfig)()
                for column in _rows.COLUMNS:
                    wanted = ours[column].astype(str).tolist()
                    assert theirs[column].astype(ours[column].dtype).astype(str).tolist() == wanted, (module, column)

    def test_pages_together_are_the_whole(self, monkeypatch):
        with _server.serving(pods=60) as kubeconfig:
            whole = _peers.list_split(kubeconfig)()
            monkeypatch.setattr(_peers, "PAGE", 7)
            assert _peers.list_split(kubeconfig)() == whole
            assert len(set(whole)) == 60

    def test_a_watch_sends_the_rows_and_goes_on_after_a_version(self):
        with _server.serving(rows=100, kind="Pod") as kubeconfig:
            assert _peers.watch_kitlib(kubeconfig, 100)() == 100
            assert _peers.watch_official(kubeconfig, 100)() == 100


@pytest.mark.usefixtures("together")
class TestContest:
    @pytest.mark.parametrize("apart", [False, True])
    def test_contestants_take_turns(self, apart, monkeypatch):
        monkeypatch.setattr(_contest, "APART", apart)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests")]))
        samples = _contest.contest("some", {"one": (count_to, 1), "two": (count_to, 1)}, 3, 1, seldom=["two"])
        assert [len(samples["one"].wall), len(samples["two"].wall)] == [3, 1]

    def test_who_does_less_than_it_should_is_named(self):
        with pytest.raises(_contest.BenchmarkError, match="one did 1 of 2"):
            _contest.contest("some", {"one": (count_to, 1)}, 1, 2)

    def test_what_goes_wrong_there_is_said_here(self):
        with pytest.raises(_contest.BenchmarkError, match="no such thing"):
            _contest.alone(fail)
        with pytest.raises(_contest.BenchmarkError, match="no such thing"):
            _contest.contest("some", {"one": (fail,)}, 1, 1)

    def test_less_is_more(self):
        aim = Aim("half", 2)
        assert Result("some", 1, "s", (1, 1), "other", 3, aim).kept
        assert not Result("some", 2, "s", (2, 2), "other", 3, aim).kept
        assert Result("some", 2, "s", (2, 2)).kept is None


def count_to(number: int):
    return lambda: number


def fail():
    raise LookupError("no such thing")


@pytest.mark.parametrize(
    ("measure", "sizes"),
    [
        (listing.measure, {"sizes": (20, 40), "rounds": 1}),
        (growth.measure, {"sizes": (10, 20), "rounds": 1}),
        (watching.measure, {"rows": 40, "rounds": 1}),
        (recorder.measure, {"count": 40, "rounds": 1}),
        (disk.measure, {"rows": 200}),
        (memory.measure, {"sizes": (100, 200)}),
        (frames.measure, {"rows": 200}),
    ],
    ids=lambda value: value.__module__.removeprefix("benchmarks.") if callable(value) else "",
)
@pytest.mark.usefixtures("together")
def test_it_runs(measure, sizes):
    checked(measure(**sizes))


@pytest.mark.live
@pytest.mark.slow
def test_it_runs_on_a_real_api_server(cluster, together):
    from benchmarks import live

    checked(live.measure(count=20, rounds=1))
    checked(up.measure(rounds=1, providers=["embedded"]))


@pytest.mark.live
@pytest.mark.slow
def test_why_is_timed_on_a_real_api_server(cluster):
    from benchmarks import why

    checked(why.measure(count=5, rounds=1))


@pytest.mark.live
@pytest.mark.slow
def test_what_an_exporter_loses(cluster):
    """An exporter that is away hands on nothing of what was written then; a recording that goes on has it."""
    from benchmarks import exporters

    results = exporters.measure(count=3, burst=10)
    checked(results)
    lost = {(result.name.partition(":")[0], result.peer): result.peer_value for result in results}
    assert [result.value for result in results] == [0] * 8
    assert lost["a burst", "k8sevents"] == 0
    assert lost["the collector is started again", "k8sevents"] == 6


def test_a_gate_hands_on_until_it_is_shut(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(f"clusters: [{{cluster: {{server: 'https://127.0.0.1:{port}'}}}}]")
        gate = Gate(kubeconfig)
        try:
            where = ("127.0.0.1", int(gate.kubeconfig.rsplit(":", 1)[1]))
            first = socket.create_connection(where, 10)
            inside, _ = server.accept()
            first.sendall(b"hello")
            assert inside.recv(5) == b"hello"
            gate.cut()
            assert first.recv(1) == b"" and inside.recv(1) == b""
            assert socket.create_connection(where, 10).recv(1) == b""
            gate.open()
            socket.create_connection(where, 10).sendall(b"again")
            assert server.accept()[0].recv(5) == b"again"
        finally:
            gate.close()


@pytest.mark.kind
@pytest.mark.slow
def test_kind_beside_kitlib() -> None:
    checked(up.measure(rounds=1, providers=["kind"]))


@pytest.mark.kind
@pytest.mark.slow
def test_two_controllers_take_turns() -> None:
    from benchmarks import ingress

    results = ingress.measure(rounds=2, seconds=1)
    checked(results)
    assert all(result.value > 0 and (result.peer_value or 0) > 0 for result in results)


def test_what_two_controllers_took_is_told_apart():
    from benchmarks import ingress

    rows = [
        ("race-0", "full-traefik", 90, 90.0, 3.0, 9.0),
        ("race-0", "full-nginx", 190, 190.0, 1.0, 2.0),
        ("race-0", "even-traefik", 10, 5.0, 4.0, 8.0),
        ("race-0", "even-nginx", 10, 5.0, 2.0, 3.0),
        ("race-warm", "even-nginx", 999, 5.0, 99.0, 99.0),
    ]
    turns = pd.DataFrame(rows, columns=["name", "container", "answered", "per_second", "p50_ms", "p99_ms"])
    found = ingress._results(turns, [{"traefik": 1.0, "nginx": 0.5}])
    assert [(each.value, each.peer_value) for each in found] == [(90, 190), (4, 2), (8, 3), (10, 2.5)]


def test_every_benchmark_has_its_turn():
    files = {path.stem for path in (CHECKOUT / "benchmarks").glob("[!_]*.py")}
    assert files == set(command.BENCHMARKS)


class TestReport:
    RESULTS = (
        Result("some", 0.02, "s", (0.01, 0.03), "another", 0.5, Aim("at least 20 ×", 20), "CPU"),
        Result("some", 0.03, "s", (0.02, 0.04), "another", 0.3, None, "wall"),
        Result("more", 150, "MB", (150, 150)),
    )

    def test_what_one_found_stays_when_another_runs(self, tmp_path):
        run = _report.about(0, (0.5, 1.0))
        _report.save("list", self.RESULTS, run, tmp_path)
        _report.save("disk", self.RESULTS[2:], run, tmp_path)
        _report.save("list", self.RESULTS[:1], run, tmp_path)
        found = json.loads((tmp_path / "bench.json").read_text())
        assert [entry["benchmark"] for entry in found] == ["disk", "list"]
        assert {"name", "value", "unit", "peer", "ratio", "spread"} <= set(found[0])
        assert found[1]["ratio"] == 25 and found[1]["kept"] is True

    def test_the_page_keeps_all_but_its_tables(self, tmp_path):
        _report.save("list", self.RESULTS, _report.about(0, (0.5, 1.0)), tmp_path)
        page = tmp_path / "page.md"
        page.write_text(f"before\n\n{_report.BEGIN}\nold\n{_report.END}\n\nafter\n")
        for _ in range(2):
            _report.write_page(["list"], page, tmp_path)
        text = page.read_text()
        assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
        assert text.count("| some |") == 1 and "by the clock)" not in text
        assert "25 × less" in text and "10.0 × less" in text and "✓ at least 20 ×" in text

    def test_the_projects_page_has_its_place(self):
        text = _report.PAGE.read_text()
        assert text.count(_report.BEGIN) == 1 and text.count(_report.END) == 1

    def test_an_unknown_name_is_told_what_there_is(self, capsys):
        assert command.main(["nothing"]) == 2
        assert "list" in capsys.readouterr().err
