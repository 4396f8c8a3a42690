"""What is asked over a lab's connection is kept by itself, whichever thread asks, and a replay answers from there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kitlib.api.transport import Connection
from kitlib.errors import NotKept, ServerError, UsageError
from kitlib.lab.keeping import DISCOVER, EXCHANGE, KIND, Keeper, Listening, question
from kitlib.lab.replay.kept import Answers, Kept
from kitlib.lessons import admission
from kitlib.recording import Recording

INFO = {"answers": True, "namespace": "here"}
PODS = "/api/v1/namespaces/here/pods"
SERVED = {
    "resources": [{"name": "pods", "singularName": "pod", "kind": "Pod", "namespaced": True, "shortNames": ["po"]}]
}


class Server(BaseHTTPRequestHandler):
    """Says what it was asked; of /gone that it is gone; refuses whom alice asks for, and warns of what is old."""

    def do_GET(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        name = (sent or {}).get("metadata", {}).get("name", "")
        code, told = 200, {"kind": "Status", "path": self.path, "sent": sent}
        if self.path.startswith("/api/v1?") or self.path == "/api/v1":
            told = SERVED
        elif self.path in ("/apis", "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1"):
            told = {"groups": [], "resources": []}
        elif self.path == "/gone":
            code, told = 404, {"kind": "Status", "message": "it is gone", "code": 404}
        elif self.headers.get("Impersonate-User") == "alice":
            code, told = 403, {"kind": "Status", "message": "alice may not", "code": 403}
        self.send_response(code)
        if name == "old":
            self.send_header("Warning", '299 - "it is old"')
            self.send_header("Warning", '299 - "it is \\"very\\" old"')
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def plain() -> Iterator[Connection]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Connection.to(f"http://127.0.0.1:{server.server_port}", writable=True)
        server.shutdown()


@pytest.fixture
def live(plain: Connection, tmp_path: Path) -> Listening:
    return Listening(plain, Keeper(Recording.create(tmp_path / "rec", INFO)))


def kept(live: Listening) -> list[tuple[str, dict[str, Any]]]:
    """Return what is kept: the word, and what it was asked and answered."""
    return [(row.name, json.loads(row.object)) for row in live._keeper._recording.rows if row.kind == KIND]


def replayed(live: Listening) -> Answers:
    """Close the recording, and return what stands in the connection's place on it."""
    recording = live._keeper._recording
    recording.close()
    return Answers(Kept(Recording.open(recording.path)))


def pod(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}


def test_requests(live, plain):
    found = live.get("/apis/one", {"limit": 2})
    made = live.request("POST", "/apis/one", None, {"name": "one"})
    with pytest.raises(ServerError):
        live.request("GET", "/gone")
    assert plain.get("/apis/other")["path"] == "/apis/other", "whoever else asks over it has it as before"
    told = [(word, answer["asked"][0]) for word, answer in kept(live)]
    assert told == [("GET", "/apis/one"), ("POST", "/apis/one"), ("GET", "/gone")]
    answers = replayed(live)
    assert answers.get("/apis/one", {"limit": 2}) == found == {**found, "path": "/apis/one?limit=2"}
    assert json.loads(answers.request("POST", "/apis/one", None, {"name": "one"})) == json.loads(made)
    with pytest.raises(ServerError, match="it is gone"):
        answers.get("/gone")
    with pytest.raises(NotKept):
        answers.request("POST", "/apis/one", None, {"name": "two"})


def test_a_whole_answer_with_its_refusal_and_its_warnings(live):
    asked = [(pod("web"), None), (pod("old"), None), (pod("web"), "alice")]
    before = [admission.ask(live, each, "here", user) for each, user in asked]
    assert [(each.verdict, each.said, len(each.warnings)) for each in before] == [
        ("admitted", "", 0),
        ("admitted", "", 2),
        ("refused", "alice may not", 0),
    ]
    answers = replayed(live)
    assert [admission.ask(answers, each, "here", user) for each, user in asked] == before
    assert admission.ask(answers, pod("old"), "here").warnings == ("it is old", 'it is "very" old')
    with pytest.raises(NotKept, match=f"{EXCHANGE} POST {PODS}"):
        admission.ask(answers, pod("web"), "here", "bob")


def test_what_was_asked_as_a_dry_run_and_is_not_kept_ends_nothing_but_what_writes_does(live):
    admission.ask(live, pod("web"), "here")
    answers = replayed(live)
    with pytest.raises(NotKept):
        admission.ask(answers, pod("other"), "here")
    assert admission.ask(answers, pod("web"), "here").admitted
    with pytest.raises(NotKept, match="no such answer"):
        admission.ask(answers, pod("other"), "here", dry_run=False)
    with pytest.raises(NotKept, match="of another lesson"):
        admission.ask(answers, pod("web"), "here")


def test_what_is_served_also_where_the_connection_knows_it_already(live, plain):
    plain.discover("pods")  # as the recorder does first
    found = live.discover("po")
    with pytest.raises(UsageError, match="serves no kind 'Gateway'"):
        live.discover("Gateway", "apps/v1")
    assert [word for word, _ in kept(live)] == [DISCOVER, DISCOVER], "nothing of what it asked for that"
    answers = replayed(live)
    assert answers.discover("po") == found
    assert answers.discover("po").path("here") == PODS
    assert not admission.serves(answers, "Gateway", "apps/v1")
    with pytest.raises(NotKept):
        answers.discover("Gateway")


def test_many_threads_may_ask_at_once(live):
    live.get("/first")
    pods = [pod(f"pod-{number}") for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        before = list(pool.map(lambda each: admission.ask(live, each, "here"), pods))
    live.get("/last")
    answers = replayed(live)
    answers.get("/first")
    first = answers._keeper.position.between
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda each: admission.ask(answers, each, "here"), pods)) == before
    assert answers._keeper.position.between == first, "when it is stands on what the lesson itself has said"
    answers.get("/last")
    assert first[1] is not None and answers._keeper.position.between[1] is None


def test_of_one_question_asked_often_the_answers_come_in_their_order(live, plain):
    bodies = [{"turn": 1}, {"turn": 1}, {"turn": 2}]
    for body in bodies:
        live._keeper.asked("GET", ["/turn"], lambda body=body: body, lambda body: {"value": body})
    answers = replayed(live)
    assert [answers.get("/turn") for _ in range(4)] == [*bodies, bodies[-1]]


def test_beside_a_word_that_keeps_all_of_it_nothing_is_kept(live):
    class Words:
        base = Path()

        def answer_of(self) -> list[int]:
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(lambda number: live.exchange("GET", f"/{number}").code, range(4)))

    assert live._keeper.said(Words(), Words.answer_of, (), {}) == [200] * 4
    assert [word for word, _ in kept(live)] == ["answer_of"]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(live.exchange, "GET", "/5").result()
    assert kept(live)[-1][1]["beside"], "but afterwards it is"
    assert len(kept(live)) == 2


def test_who_watches_in_another_thread_leaves_nothing(live):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(live.get, "/one").result()["path"] == "/one"
        assert pool.submit(live.request, "PATCH", "/one", None, {}).result()
    assert kept(live) == []


def test_nothing_is_kept_after_the_end(live):
    live._keeper.end()
    assert live.get("/one") and admission.ask(live, pod("web"), "here").admitted
    assert kept(live) == []


def test_a_secret_never_reaches_the_disk(live):
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "c2VjcmV0"}}
    live.exchange("POST", "/api/v1/namespaces/here/secrets", body=body)
    recording = live._keeper._recording
    recording.close()
    files = list(recording.path.rglob("*.parquet"))
    assert files
    assert not any(b"c2VjcmV0" in path.read_bytes() for path in files)
    assert b"c2VjcmV0" not in b"".join(row.object for row in Recording.open(recording.path).rows)


def test_a_connection_in_a_question_is_the_same_live_and_replayed(live, tmp_path):
    before = question((live, "web"), {}, tmp_path)
    assert question((replayed(live), "web"), {}, tmp_path) == before
