"""What a server answers becomes an error in one place, and one policy says what is asked again."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kitlib.api import answers
from kitlib.api.answers import NEVER, Backoff, Retry, passes, server_error
from kitlib.api.transport import Connection
from kitlib.errors import ClusterError, RefusedError, ServerError, UsageError
from tests.api.noting import VERSION, Server, config

QUICK = Retry(tries=4, seconds=5, backoff=Backoff(0.01, 0.02))


def cut(cut: bool) -> ClusterError:
    error = ClusterError("no answer")
    error.cut = cut
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (server_error(429, b"", "x"), True),
        (server_error(503, b"", "x"), True),
        (server_error(409, b"", "x", {"Retry-After": "1"}), True),
        (server_error(401, b"", "x"), False),
        (server_error(403, b"", "x"), False),
        (server_error(404, b"", "x"), False),
        (server_error(410, b"", "x"), False),
        (cut(True), True),
        (cut(False), False),
        (RefusedError("no"), False),
        (UsageError("no"), False),
    ],
)
def test_what_passes_is_asked_again_and_nothing_else(error: Exception, again: bool) -> None:
    assert passes(error) is again
    assert (QUICK.pause(error, 1) is not None) is again
    assert QUICK.pause(error, QUICK.tries) is None and NEVER.pause(error, 1) is None


def test_a_server_is_asked_when_it_said_and_else_after_growing_pauses() -> None:
    assert Retry().pause(server_error(429, b"", "x", {"Retry-After": "7"}), 1) == 7
    backoff = Backoff(first=1, most=8, spread=0)
    assert [backoff.pause(number) for number in (1, 2, 3, 4, 5, 99)] == [1, 2, 4, 8, 8, 8]
    assert all(0.5 <= Backoff(1, 8).pause(1) <= 1 for _ in range(50))


def test_the_last_error_is_raised_and_waiting_ends_when_told() -> None:
    tried = []

    def attempt() -> None:
        tried.append(1)
        raise server_error(503, b"", "x")

    with pytest.raises(ServerError):
        QUICK.run(attempt)
    assert len(tried) == QUICK.tries
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    began = time.monotonic()
    with pytest.raises(ServerError):
        Retry(backoff=Backoff(30, 30)).run(attempt, stopping)
    assert time.monotonic() - began < 5


def test_no_pause_begins_that_ends_too_late() -> None:
    with pytest.raises(ServerError):
        Retry(seconds=1).run(lambda: refuse(server_error(429, b"", "x", {"Retry-After": "30"})))


def refuse(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("body", [b"[1]", b"null", b'"later"', b"{", b"", b'{"details": 7}', b"<html><h1>Busy</h1>"])
def test_a_refusal_in_any_form_is_a_refusal(body: bytes) -> None:
    error = server_error(500, body, "GET /x")
    assert error.status["code"] == 500 and error.message and "<" not in error.message


def to(server: Server, folder: Path, **cluster: object) -> Connection:
    import json

    (folder / "config").write_text(json.dumps(config(server.cluster(**cluster))))
    return Connection(folder / "config", "x", writable=True)


PAGE = b"<!doctype html><title>Sign in</title>"
NO_API_SERVER: dict[str, tuple[Callable[[Any], object], str]] = {
    "a page": (lambda handler: handler.send(PAGE, kind="text/html"), "a page of HTML, 'Sign in'"),
    "a page called JSON": (lambda handler: handler.send(PAGE, kind="application/json"), "a page of HTML, 'Sign in'"),
    "elsewhere": (lambda handler: handler.send(b"", 302, Location="/sign-in"), "302 to /sign-in"),
    "to https": (lambda handler: handler.send(b"", 301, Location="https://x/"), "301 to https://x/"),
    "words": (lambda handler: handler.send(b"welcome"), "'welcome', which is no JSON"),
    "nothing": (lambda handler: handler.send(b""), "it sent nothing"),
    "an empty object": (lambda handler: handler.json({}), "it tells no version"),
}


@pytest.mark.parametrize("what", NO_API_SERVER)
def test_what_is_no_api_server_is_called_so(what: str, tmp_path: Path) -> None:
    answer, words = NO_API_SERVER[what]
    with Server(answer=lambda handler: (answer(handler), True)[1]) as server:
        connection = to(server, tmp_path)
        with pytest.raises(ClusterError, match="no API server") as caught:
            connection.version()
        assert words in str(caught.value)
        with pytest.raises(ClusterError, match="no API server"):
            connection.discover("orders", "shop.example.io/v1")


def cut_refusal(handler: Any) -> None:
    """Refuse for a second, and hang up within the body that says why."""
    handler.send_response(429)
    handler.send_header("Content-Length", "1000")
    handler.send_header("Retry-After", "1")
    handler.end_headers()
    handler.wfile.write(b'{"kind":"Stat')
    hang_up(handler)


def test_a_refusal_that_is_cut_has_said_its_code_and_when_to_come_again(tmp_path: Path) -> None:
    with Server(answer=answering(*[cut_refusal] * 2)) as server:
        for ask in (lambda: to(server, tmp_path).request("GET", "/x"), lambda: to(server, tmp_path).stream("/x")):
            with pytest.raises(ServerError) as met:
                ask()
            assert (met.value.status["code"], met.value.retry_after) == (429, 1.0)


def test_a_stream_of_a_page_is_none(tmp_path: Path) -> None:
    with (
        Server(answer=lambda handler: (handler.send(PAGE, kind="text/html"), True)[1]) as server,
        pytest.raises(ClusterError, match="no API server"),
    ):
        to(server, tmp_path).stream("/api/v1/pods")


def answering(*then: Callable[[Any], object]) -> Callable[[Any], bool]:
    """Return what answers first so, then so, then as always."""
    left = list(then)

    def answer(handler: Any) -> bool:
        if not left:
            return False
        left.pop(0)(handler)
        return True

    return answer


def hang_up(handler: Any) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_within(handler: Any, code: int = 200) -> None:
    handler.send_response(code)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"major":')
    hang_up(handler)


PASSING: dict[str, Callable[[Any], object]] = {
    "429 with Retry-After": lambda handler: handler.json({"kind": "Status"}, 429, Retry_After="1"),
    "503": lambda handler: handler.send(b"not yet", 503),
    "cut before the answer": hang_up,
    "cut within the answer": cut_within,
    "a refusal that is cut": lambda handler: cut_within(handler, 500),
}


@pytest.mark.parametrize("what", PASSING)
def test_a_get_outlasts_what_passes(what: str, tmp_path: Path) -> None:
    with Server(answer=answering(PASSING[what])) as server:
        began = time.monotonic()
        assert to(server, tmp_path).get("/version") == VERSION
        assert len(server.asked) == 2
        assert what != "429 with Retry-After" or time.monotonic() - began >= 1


@pytest.mark.parametrize("what", PASSING)
def test_a_request_alone_is_sent_once(what: str, tmp_path: Path) -> None:
    with Server(answer=answering(PASSING[what])) as server:
        with pytest.raises((ClusterError, ServerError)) as caught:
            to(server, tmp_path).request("POST", "/api/v1/namespaces", body={})
        assert len(server.asked) == 1 and passes(caught.value)


def test_nobody_there_is_told_at_once(tmp_path: Path) -> None:
    with Server() as server:
        connection = to(server, tmp_path)
    began = time.monotonic()
    with pytest.raises(ClusterError, match="does not answer: Connection refused") as caught:
        connection.get("/version")
    assert time.monotonic() - began < 3 and not caught.value.cut and "ConnectionPool" not in str(caught.value)


def test_silence_is_told_after_its_time_and_not_asked_again(tmp_path: Path) -> None:
    stop = threading.Event()
    with Server(answer=lambda handler: stop.wait(5)) as server:
        began = time.monotonic()
        with pytest.raises(ClusterError, match="does not answer"):
            to(server, tmp_path).get("/version", timeout=0.5)
        assert time.monotonic() - began < 3
        stop.set()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("self-signed certificate in certificate chain", "not signed by the authority"),
        ("unable to get local issuer certificate", "not signed by the authority"),
        ("IP address mismatch, certificate is not valid for '127.0.0.1'.", "tls-server-name"),
        ("certificate has expired", "clock"),
        ("Missing Authority Key Identifier", "too lax for Python's strict checks"),
        ("Basic Constraints of CA cert not marked critical", "too lax for Python's strict checks"),
        ("tlsv13 alert certificate required", "client's certificate"),
        ("wrong version number", "HTTPS address"),
    ],
)
def test_a_certificate_is_explained(said: str, words: str) -> None:
    assert words in " ".join(answers.certificate_words(ssl.SSLError(1, said)))


def test_an_answer_of_a_write_has_its_warnings(tmp_path: Path) -> None:
    warned = '299 - "old"'
    with Server(answer=lambda handler: (handler.json({"message": "no"}, 422, Warning=warned), True)[1]) as server:
        answer = to(server, tmp_path).exchange("POST", "/api/v1/pods", body={})
        assert answer.code == 422 and answer.headers.getlist("Warning") == [warned] and b"no" in answer.body


@pytest.mark.parametrize("writable", [True, False])
def test_the_official_client_goes_the_same_way_and_writes_no_more_than_it(writable: bool, tmp_path: Path) -> None:
    from kubernetes import client

    with Server(answer=lambda handler: (handler.json({"metadata": {"name": "x"}}), True)[1]) as server:
        connection = to(server, tmp_path)
        connection.writable = writable
        core = client.CoreV1Api(connection.api_client)
        assert core.read_namespace("x").metadata.name == "x"
        assert server.asked[-1].get("Authorization") == "Bearer t"
        if writable:
            core.create_namespace({"metadata": {"name": "x"}})
            assert server.asked[-1].method == "POST"
        else:
            with pytest.raises(RefusedError):
                core.create_namespace({"metadata": {"name": "x"}})
            assert [each.method for each in server.asked] == ["GET"]
