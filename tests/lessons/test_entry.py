"""What a lesson asks of an entry: shares, what arrived, when controllers follow; passwords and certificates."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from kitlib.claims import judge, never
from kitlib.errors import ClusterError
from kitlib.frames import Frames
from kitlib.lessons import entry
from kitlib.recording import Recording
from tests.frames.test_traffic import logged, stamped


def test_wilsons_interval_is_the_one_of_the_books():
    low, high = entry.wilson(30, 100, 0.95)
    assert (round(low, 4), round(high, 4)) == (0.2189, 0.3958)
    assert entry.wilson(0, 0) == (0.0, 1.0)
    assert entry.wilson(0, 10)[0] == 0.0 and entry.wilson(10, 10)[1] == 1.0
    assert entry.wilson(300, 1000)[0] < entry.wilson(300, 1000, 0.95)[0] < 0.3


def requests(**served: tuple[int, int]) -> pd.DataFrame:
    rows = [(name, who) for name, (old, new) in served.items() for who in ["old"] * old + ["new"] * new]
    return pd.DataFrame(rows, columns=["container", "who"])


def test_each_client_has_its_share_and_its_interval():
    table = entry.shares(requests(some=(70, 30), none=(50, 0)), "who == 'new'")
    assert table[["container", "requests", "hits", "share"]].values.tolist() == [
        ["none", 50, 0, 0.0],
        ["some", 100, 30, 0.3],
    ]
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()
    assert entry.shares(requests(), "who == 'new'").empty


def logs(*said: dict[str, Any] | str) -> Frames:
    lines = [each if isinstance(each, str) else json.dumps(each, separators=(",", ":")) for each in said]
    recording = Recording()
    logged(recording, [stamped(number + 1, line) for number, line in enumerate(lines)])
    return recording.frames


REQUEST = {"event": "request", "method": "GET", "host": "shop.example", "path": "/low/always/none", "status": 200}


def test_what_arrived_is_told_and_all_other_lines_are_left_out():
    frames = logs(REQUEST, {"event": "probe", "path": "/readiness"}, "no JSON", {**REQUEST, "path": "/"})
    found = entry.arrived(frames.logs)
    assert found["path"].tolist() == ["/low/always/none", "/"] and found["host"].unique().tolist() == ["shop.example"]
    parts = entry.arrived(frames.logs, "site", "header", "cookie")
    assert parts[["site", "header", "cookie"]].values.tolist() == [["low", "always", "none"]]
    none = entry.arrived(logs("no JSON").logs, "site")
    assert none.empty and {"site", "host", "line"} <= set(none.columns)


def test_what_arrived_knows_what_is_not_recorded():
    found = entry.arrived(logs(REQUEST).logs)
    assert found.attrs["window"] == logs(REQUEST).logs.attrs["window"]
    assert judge(never(found, "status == 500"))[0] == "holds"


class Place:
    """A lab whose entries answer as they are told to; what is applied and asked is kept."""

    def __init__(self, *turns: dict[str, int]) -> None:
        self.turns, self.applied, self.asked = [*turns], [], []

    @contextmanager
    def quiet(self):
        yield

    def apply(self, item: dict[str, Any]) -> None:
        self.applied.append(item)

    def ask(self, pod: str, path: str) -> list[dict[str, Any]]:
        query = parse_qs(urlsplit(path).query)
        self.asked.append(query)
        status = self.turns[0][urlsplit(query["url"][0]).hostname]
        return [{"status": status}] * int(query["count"][0]) + [{"summary": True}]

    def until(self, so: Any, what: str) -> None:
        while not so():
            self.turns.pop(0)


def test_a_mark_waits_until_each_entry_serves_it_and_is_another_one_each_time():
    lab = Place({"one": 404, "two": 404}, {"one": 200, "two": 503}, {"one": 200, "two": 200})
    mark = entry.Mark(lab, ["one", "two"], "old")
    mark.wait()
    assert len(lab.turns) == 1, "it waited for both"
    mark.wait()
    kinds = [(each["kind"], each["metadata"]["name"]) for each in lab.applied]
    assert kinds == [
        ("Service", "mark-nginx-1"),
        ("Ingress", "mark-nginx"),
        ("Service", "mark-nginx-2"),
        ("Ingress", "mark-nginx"),
    ]
    assert lab.asked[-1]["header"] == ["Host: mark.example"] and lab.asked[-1]["count"] == ["5"]
    assert lab.asked[-1]["url"] == ["http://two/mark-nginx-2"]


def test_a_host_is_known_when_it_is_neither_404_nor_503():
    lab = Place({"one": 404}, {"one": 503}, {"one": 401})
    entry.Mark(lab, ["one"], "old").known("door.example/in", header="x-next: always", count=3)
    assert len(lab.turns) == 1
    assert lab.asked[-1]["header"] == ["Host: door.example", "x-next: always"]
    assert lab.asked[-1]["url"] == ["http://one/in"] and lab.asked[-1]["count"] == ["3"]


def test_a_passwords_line_is_as_htpasswd_writes_it():
    user, _, rest = entry.hashed("ada", "right").partition(":")
    assert (user, rest) == ("ada", "{SHA}" + base64.b64encode(hashlib.sha1(b"right").digest()).decode())
    assert base64.b64decode(entry.basic("ada", "right").removeprefix("Basic ")) == b"ada:right"
    made = entry.secret("users", {"auth": "x"})
    assert (made["kind"], made["type"], made["stringData"]) == ("Secret", "Opaque", {"auth": "x"})


def test_a_certificate_is_for_its_host_and_comes_with_its_key(tmp_path):
    made = entry.certificate("safe.example")
    assert sorted(made) == ["tls.crt", "tls.key"] and "PRIVATE KEY" in made["tls.key"]
    assert "PRIVATE KEY" not in made["tls.crt"]
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")  # they belong together
    client = ssl.create_default_context(cadata=made["tls.crt"])
    assert trusted(client, server, "safe.example")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.example"):
        trusted(client, server, "other.example")


def trusted(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    """Shake hands in memory; say whether it came to its end."""
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(here, there, server_hostname=name)
    answers = server.wrap_bio(there, here, server_side=True)
    done = 0
    for side in (asks, answers) * 3:
        try:
            side.do_handshake()
            done += 1
        except ssl.SSLWantReadError:
            continue
    return done >= 2


def test_without_openssl_it_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match="install openssl"):
        entry.certificate("safe.example")
