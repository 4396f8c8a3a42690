"""As whom a server is asked: on each request, by what is good now; never as anonymous, and never by way of a disk."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib.api import authprovider, credentials, execplugin
from kitlib.api.transport import Connection
from kitlib.errors import ClusterError, KitlibError
from tests.api.noting import Server, config, data

API = "client.authentication.k8s.io/v1"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def connect(server: Server, folder: Path, user: object, writable: bool = False) -> Connection:
    (folder / "config").write_text(json.dumps(config(server.cluster(), user)))
    return Connection(folder / "config", writable=writable)


def sent(server: Server) -> list[str]:
    return [each.get("Authorization") for each in server.asked]


@pytest.mark.parametrize(
    "users", [[{"name": "u"}], [{"name": "u", "user": None}], [{"name": "u", "user": {}}], None, []]
)
def test_a_user_without_anything_is_asked_for_nothing(users: object, server: Server, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(json.dumps(config(server.cluster(), users=users)))
    Connection(tmp_path / "config").get("/version")
    assert sent(server) == [""]


def test_whom_to_act_as_goes_with_every_request(server: Server, tmp_path: Path) -> None:
    connection = connect(server, tmp_path, {"token": "t", "as": "viewer", "as-groups": ["readers"]}, writable=True)
    connection.get("/api/v1/pods")
    connection.request("POST", "/api/v1/pods", body={})
    connection.stream("/api/v1/pods").close()
    connection.exchange("PATCH", "/api/v1/pods/x", body={})
    connection.api_client.rest_client.pool_manager.request("GET", f"{server.url}/api")
    assert [each.get("Impersonate-User") for each in server.asked] == ["viewer"] * 5
    assert [each.get("Impersonate-Group") for each in server.asked] == ["readers"] * 5


def test_one_request_may_act_as_somebody_else_and_only_as_that(server: Server, tmp_path: Path) -> None:
    connection = connect(server, tmp_path, {"token": "t", "as": "viewer", "as-groups": ["readers"]}, writable=True)
    connection.exchange("POST", "/api/v1/pods", body={}, headers={"Impersonate-User": "eve"})
    assert server.asked[0].get("Impersonate-User") == "eve" and not server.asked[0].get("Impersonate-Group")


def test_a_token_s_file_is_read_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("one\n")
    connection = connect(server, tmp_path, {"tokenFile": "token"})
    connection.get("/version")
    (tmp_path / "token").write_text("two\n")
    connection.get("/version")
    monkeypatch.setattr(credentials, "REREAD", 0.0)
    connection.get("/version")
    (tmp_path / "token").unlink()  # being replaced: what was there is good for a moment more
    connection.get("/version")
    assert sent(server) == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]


def plugin(folder: Path, script: str, **about: object) -> dict[str, object]:
    program = folder / "login"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"exec": {"apiVersion": API, "command": "./login", "interactiveMode": "IfAvailable", **about}}


def says(token: str, expiry: str = "") -> str:
    status = {"token": token, **({"expirationTimestamp": expiry} if expiry else {})}
    return f"echo '{json.dumps({'apiVersion': API, 'kind': 'ExecCredential', 'status': status})}'"


FAILING = {
    "echo 'session expired, run login' >&2; exit 7": "login.*exit code 7: session expired, run login",
    "kill -9 $$": "login.*signal 9",
    "echo welcome": "login.*no ExecCredential in JSON",
    says("t").replace("/v1", "/v1beta1"): "login.*answered with apiVersion",
    says(""): "neither a token nor a certificate",
    "read -r word || { echo 'nobody to ask' >&2; exit 1; }": "nobody to ask",
    says("t", "tomorrow"): "is no time",
}


@pytest.mark.parametrize("script", FAILING)
def test_a_plugin_that_fails_is_told_in_its_own_words_and_nothing_is_asked(
    script: str, server: Server, tmp_path: Path
) -> None:
    connection = connect(server, tmp_path, plugin(tmp_path, script))
    with pytest.raises(ClusterError, match=FAILING[script]):
        connection.get("/version")
    assert not server.asked


def test_a_plugin_that_is_not_installed_says_how_to(server: Server, tmp_path: Path) -> None:
    about = plugin(tmp_path, "", command="not-installed-login", installHint="get it from the shop")
    with pytest.raises(ClusterError, match=r"not-installed-login[\s\S]*get it from the shop"):
        connect(server, tmp_path, about).get("/version")


def test_a_plugin_runs_once_until_its_token_expires_or_is_refused(tmp_path: Path) -> None:
    count = 'echo x >> "$(dirname "$0")/runs"; n=$(wc -l < "$(dirname "$0")/runs")'
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    script = f"{count}\ncase $n in 1) {says('t1', soon)};; 2) {says('t2')};; *) {says('t3')};; esac"
    refused = ["Bearer t2"]

    def answer(handler: object) -> bool:
        taken = handler.headers["Authorization"] not in refused  # type: ignore[attr-defined]
        if not taken:
            handler.json({"kind": "Status", "code": 401}, 401)  # type: ignore[attr-defined]
        return not taken

    with Server(answer=answer) as server:
        connection = connect(server, tmp_path, plugin(tmp_path, script))
        connection.get("/version")
        connection.get("/version")
        connection.renew()
        connection.get("/version")
        assert sent(server) == ["Bearer t1"] * 3
        time.sleep(2.1)  # the token's own time: nothing tells when it has passed
        connection.get("/version")
        assert sent(server)[3:] == ["Bearer t2", "Bearer t3"]


def test_what_a_plugin_says_while_it_waits_is_shown(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(execplugin, "MOMENT", 0.1)
    connect(server, tmp_path, plugin(tmp_path, f"echo 'open the page' >&2; sleep 0.5; {says('t')}")).get("/version")
    assert "open the page" in capsys.readouterr().err
    connect(server, tmp_path, plugin(tmp_path, f"echo 'all well' >&2; {says('t')}", args=["2"])).get("/version")
    assert "all well" not in capsys.readouterr().err


def test_a_plugin_that_never_ends_is_given_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execplugin, "LONGEST", 0.3)
    with pytest.raises(ClusterError, match=r"did not end within 0 s: still thinking"):
        connect(server, tmp_path, plugin(tmp_path, "echo 'still thinking' >&2; exec sleep 60")).get("/version")
    assert not server.asked


def token(expiry: float) -> str:
    parts = ({"alg": "none"}, {"exp": expiry})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts), "s"]
    )


def test_oidc_is_refreshed_in_memory_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    fresh, asked = token(time.time() + 3600), []

    def answer(handler: object) -> bool:
        if handler.path.endswith("openid-configuration"):  # type: ignore[attr-defined]
            handler.json({"token_endpoint": f"{server.url}/token"})  # type: ignore[attr-defined]
        elif handler.path == "/token":  # type: ignore[attr-defined]
            asked.append(handler.body.decode())  # type: ignore[attr-defined]
            handler.json({"id_token": fresh, "refresh_token": "twice"})  # type: ignore[attr-defined]
        else:
            return False
        return True

    with Server(answer=answer) as server:
        about = {"client-id": "k", "client-secret": "s", "id-token": token(1), "refresh-token": "once"}
        user = {"auth-provider": {"name": "oidc", "config": {**about, "idp-issuer-url": f"{server.url}/issuer"}}}
        connection = connect(server, tmp_path, user)
        path = tmp_path / "config"
        path.chmod(0o400)
        before = path.read_bytes(), path.stat().st_mtime_ns
        connection.get("/version")
        connection.get("/version")
        assert sent(server)[-2:] == [f"Bearer {fresh}"] * 2
        assert asked == ["grant_type=refresh_token&refresh_token=once"]
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_gcp_runs_its_program(server: Server, tmp_path: Path) -> None:
    program = tmp_path / "tok"
    program.write_text(
        '#!/bin/sh\necho \'{"credential":{"access_token":"t1","token_expiry":"2036-03-01T10:00:00Z"}}\'\n'
    )
    program.chmod(0o755)
    keys = {"token-key": "{.credential.access_token}", "expiry-key": "{.credential.token_expiry}"}
    about = {"cmd-path": str(program), **keys}
    connect(server, tmp_path, {"auth-provider": {"name": "gcp", "config": about}}).get("/version")
    assert sent(server) == ["Bearer t1"]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"name": "azure"}, "no such auth-provider any more"),
        ({"name": "gcp", "config": {"access-token": "t", "expiry": "2020-01-01T00:00:00Z"}}, "get-credentials"),
        ({"name": "gcp", "config": {"cmd-path": "/bin/false"}}, "exit code 1"),
        ({"name": "oidc", "config": {"id-token": token(1)}}, "no refresh-token"),
        (
            {"name": "oidc", "config": {"refresh-token": "r", "idp-issuer-url": "http://127.0.0.1:9"}},
            r"127.0.0.1:9\S* does not answer",
        ),
    ],
)
def test_an_auth_provider_that_can_t_is_told_and_nothing_is_asked(
    about: dict[str, object], words: str, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ClusterError, match=words):
        connect(server, tmp_path, {"auth-provider": about}).get("/version")
    assert not server.asked


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"client-certificate-data": "!", "client-key-data": "!"}, "not base64"),
        ({"client-certificate": "none.crt", "client-key": "none.key"}, "can't be read: No such file"),
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, "certificate can't be used"),
        ({"tokenFile": "none"}, "tokenFile can't be read"),
    ],
)
def test_what_can_t_be_used_is_named(user: dict[str, object], words: str, keys: Path, tmp_path: Path) -> None:
    with Server(keys) as server:
        with pytest.raises(KitlibError, match=words):
            connect(server, tmp_path, user).get("/version")
        assert not server.asked


def test_a_key_of_others_is_called_so(keys: Path, tmp_path: Path) -> None:
    user = {"client-certificate-data": data(keys / "client.crt"), "client-key-data": data(keys / "server.key")}
    with Server(keys) as server, pytest.raises(ClusterError, match="the key is not the certificate's"):
        connect(server, tmp_path, user).get("/version")


def test_no_key_is_ever_on_a_disk(keys: Path, tmp_path: Path) -> None:
    """Killed after a request, and before it could tidy up."""
    user = {"client-certificate-data": data(keys / "client.crt"), "client-key-data": data(keys / "client.key")}
    code = (
        "import sys, time; from kitlib.api import Connection\n"
        "connection = Connection(sys.argv[1])\n"
        "for _ in range(20): connection.renew(); connection.get('/version')\n"
        "print('up', flush=True); time.sleep(60)"
    )
    place = tmp_path / "tmp"
    place.mkdir()
    with Server(keys) as server:
        connect(server, tmp_path, user)
        words = [sys.executable, "-c", code, str(tmp_path / "config")]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(place)}) as child:
            assert child.stdout and child.stdout.readline() == b"up\n"
            child.send_signal(signal.SIGKILL)
        assert server.asked[-1].client == "ada"
    assert not list(place.rglob("*"))


def test_no_message_holds_a_secret(server: Server, tmp_path: Path) -> None:
    user = {"token": "hunter2", "as-groups": ["x"]}
    with pytest.raises(ClusterError) as caught:
        connect(server, tmp_path, user)
    assert "hunter2" not in str(caught.value) and "hunter2" not in repr(Connection.__dict__)
    assert authprovider.EARLIER > 0
