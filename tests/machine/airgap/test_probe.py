"""The probe does what its settings say: seen from outside, as a process on 127.0.0.1."""

from __future__ import annotations

import re
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine.airgap import probe
from kitlib.machine.programs import toolchain
from tests.machine.airgap.acting import (
    PATIENCE,
    SECOND,
    Probe,
    connections,
    eventually,
    free_port,
    lines,
    run,
)

CHECKOUT = Path(__file__).resolve().parents[3]
KINDS = ("startup", "readiness", "liveness")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probe is a program for Linux: run this on Linux")


class TestBuilding:
    def test_go_format_and_vet_have_nothing_to_say(self, built):
        go = toolchain.find(progress=False)
        root = subprocess.run([go.path, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
        formatter = Path(root) / "bin" / "gofmt"
        said = subprocess.run([formatter, "-l", probe.SOURCE], capture_output=True, text=True, check=True)
        assert said.stdout == ""
        flags = [flag for flag in probe.FLAGS if flag.startswith(("-trimpath", "-gcflags"))]
        said = subprocess.run(
            [go.path, "vet", *flags, "."],  # which the build has just compiled the standard library with
            cwd=probe.SOURCE,
            env=toolchain.environment() | {"GOOS": "linux"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (said.returncode, said.stderr) == (0, "")

    def test_it_is_small_needs_no_module_and_no_library(self, built):
        data = built.read_bytes()
        assert len(data) < 8_000_000
        offset, size, number = (struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54))
        segments = {struct.unpack_from("<I", data, offset + size * i)[0] for i in range(number)}
        assert 1 in segments and 3 not in segments, "it asks for a loader"
        assert "require" not in (probe.SOURCE / "go.mod").read_text()

    def test_the_dockerfile_builds_the_same(self):
        text = (probe.SOURCE / "Dockerfile").read_text()
        assert probe.FLAGS == ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-ldflags=-s -w")
        assert "CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH" in text
        assert 'go build -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags="-s -w"' in text
        assert text.rstrip().endswith('FROM scratch\nCOPY --from=build /probe /probe\nENTRYPOINT ["/probe"]')

    def test_the_cache_keeps_it_until_its_source_changes(self, built, tmp_path, monkeypatch):
        assert probe.binary(progress=False) == built
        source = tmp_path / "source"
        source.mkdir()
        (source / "go.mod").write_text("module probe\n\ngo 1.26.0\n")
        (source / "main.go").write_text('package main\n\nfunc main() { print("one") }\n')
        monkeypatch.setattr(probe, "SOURCE", source)
        monkeypatch.setenv("KITLIB_CACHE", str(tmp_path / "cache"))
        one = probe.binary(progress=False)
        assert subprocess.run([one], capture_output=True, check=True).stderr == b"one"
        one.write_bytes(b"broken")
        assert probe.binary(progress=False) == one
        assert subprocess.run([one], capture_output=True, check=True).stderr == b"one", "a broken one is built again"
        (source / "main.go").write_text('package main\n\nfunc main() { print("two") }\n')
        two = probe.binary(progress=False)
        assert two != one and subprocess.run([two], capture_output=True, check=True).stderr == b"two"
        (source / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
        with pytest.raises(BuildError, match=r"build the probe: go says: .*undefined: nonsense"):
            probe.binary(progress=False)
        assert not list((tmp_path / "cache" / "bin").glob(".part*"))


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"readiness": "maybe"}, 'PROBE_READINESS="maybe": use ok, fail, or an HTTP status, 100 to 599'),
            ({"readiness": "600"}, 'PROBE_READINESS="600": use ok, fail, or an HTTP status, 100 to 599'),
            ({"latency": "-1s"}, 'PROBE_LATENCY="-1s": use a time such as 500ms, 2s, 1m or never'),
            ({"latency": "5"}, 'PROBE_LATENCY="5": use a time such as 500ms, 2s, 1m or never'),
            ({"memory": "lots"}, 'PROBE_MEMORY="lots": use a size such as 4096, 64Mi or 1Gi'),
            ({"term.code": "256"}, 'PROBE_TERM_CODE="256": use an exit code, 0 to 255'),
            (
                {"exit.code": "1,,2"},
                'PROBE_EXIT_CODE="1,,2": use an exit code, or one for each index with commas between',
            ),
            ({"http": "8080"}, 'PROBE_HTTP="8080": use an address such as :8080 or 127.0.0.1:8080'),
            ({"refresh": "data"}, 'PROBE_REFRESH="data": use a whole path, from / on, or off'),
            ({"readynes": "ok"}, "PROBE_READYNES: there is no such setting (see: probe settings)"),
        ],
    )
    def test_a_bad_one_ends_it_at_once_with_one_line(self, program, settings, said):
        ended = run(program, **{name.replace(".", "__"): value for name, value in settings.items()})
        assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"probe serve: {said}\n")

    def test_the_variables_of_a_service_named_probe_are_none(self, program):
        names = {"PROBE_PORT": "tcp://10.0.0.1:80", "PROBE_PORT_80_TCP_ADDR": "10.0.0.1"}
        names |= {"PROBE_SERVICE_HOST": "10.0.0.1", "PROBE_SERVICE_PORT": "80", "PROBE_NAME_SERVICE_PORT": "80"}
        assert run(program, "settings", **names).returncode == 0

    def test_those_of_a_request_are_all_taken_or_none(self, start):
        acting = start(version="v7")
        for form, said in (
            ("status=201&latency=soon", 'latency="soon": use a time such as 500ms, 2s, 1m or never'),
            ("status=201&nobody=1", "nobody: there is no such setting (see: probe settings)"),
            ("status=201&http=:1", "http: it can be set at the start only, by PROBE_HTTP"),
        ):
            assert acting.get("/set", form) == (400, {"error": said})
        assert acting.get("/set?status=201") == (405, {"error": "use POST"})
        assert acting.get("/")[0] == 200, "nothing was set"
        acting.set(status="201", version="v8")
        status, said = acting.get("/")
        assert (status, said["version"]) == (201, "v8")
        assert acting.wait("set", name="status", value="201")
        assert {each["name"]: each["value"] for each in acting.get("/settings")[1]}["version"] == "v8"

    def test_the_command_sets_them_in_the_same_container(self, start):
        acting = start()
        assert acting.run("set", "status=418", "version=v2").returncode == 0
        assert acting.get("/")[0] == 418
        ended = acting.run("set", "status=9")
        assert (ended.returncode, ended.stderr) == (2, 'probe set: status="9": use an HTTP status, 100 to 599\n')

    def test_the_page_lists_them_all_with_their_defaults(self, program):
        page = (CHECKOUT / "docs" / "probe.md").read_text()
        written = dict(re.findall(r"^\| `(PROBE_[A-Z_]+)` \| (?:`([^`]*)`)? ?[^|]*\|", page, re.MULTILINE))
        real = {each["variable"]: each["value"] for each in lines(run(program, "settings").stdout)}
        real["PROBE_NAME"] = written["PROBE_NAME"]  # the host's name
        kinds = re.compile("STARTUP|LIVENESS")
        assert written == {name: value for name, value in real.items() if not kinds.search(name)}

    def test_the_page_names_every_command_and_trial(self, program):
        page = (CHECKOUT / "docs" / "probe.md").read_text()
        for command in re.findall(r"^probe ([a-z]+)", run(program, "help").stdout, re.MULTILINE):
            assert f"`probe {command}" in page, command
        for each in lines(run(program, "try").stdout):
            assert f"`{each['what']}`" in page, each

    @pytest.mark.parametrize(
        "arguments", [["nope"], ["serve", "x"], ["check", "life"], ["load", "host"], ["file", "x"], ["try", "fly"]]
    )
    def test_a_wrong_call_says_what_is_right(self, program, arguments):
        ended = run(program, *arguments)
        assert ended.returncode == 2 and ended.stdout == ""
        assert ended.stderr.startswith(f"probe {arguments[0]}: ") and "use" in ended.stderr + "use" * (
            arguments[0] == "serve"
        )


class TestAnswers:
    def test_who_answers_and_what_was_asked(self, start):
        names = {"POD_NAME": "web-0", "POD_NAMESPACE": "shop", "POD_IP": "10.1.2.3", "NODE_NAME": "worker"}
        acting = start(name="web", version="v3", **names)
        status, said = acting.get("/cart/1?b=2", headers={"Host": "shop.example", "X-Odd": '"<&>\n'[:-1]})
        assert status == 200
        assert {key: said[key] for key in ("name", "version", "pod_name", "pod_namespace", "pod_ip", "node_name")} == {
            "name": "web",
            "version": "v3",
            **{key.lower(): value for key, value in names.items()},
        }
        assert (said["method"], said["host"], said["path"], said["query"]) == ("GET", "shop.example", "/cart/1", "b=2")
        assert said["headers"]["X-Odd"] == ['"<&>'] and said["ready"] is True
        told = acting.wait("request")
        assert (told["path"], told["status"], told["ready"]) == ("/cart/1", 200, True)

    def test_requests_are_counted_by_path_and_status(self, start):
        acting = start()
        for _ in range(3):
            acting.get("/a")
        acting.set(status="500", log__requests="off")
        acting.get("/a")
        expected = {"in_flight": 0, "counts": {"request /a 200": 3, "request /a 500": 1}}
        eventually(lambda: acting.get("/counts")[1] == expected, "not counted so")
        acting.wait("request", 3)
        assert len(acting.said("request")) == 3

    def test_paths_without_end_are_not_counted_without_end(self, start):
        acting = start(log__requests="off")
        run(Path(acting.command[0]), "load", f"http://127.0.0.1:{acting.port}/", "--count", "1")
        with ThreadPoolExecutor(8) as crew:
            assert all(status == 200 for status, _ in crew.map(lambda i: acting.get(f"/{i}"), range(2050)))
        counts = acting.get("/counts")[1]["counts"]
        assert len(counts) == 2001 and sum(counts.values()) == 2051 and counts["other"] > 50 - 2

    def test_latency_is_kept(self, start):
        acting = start(latency="200ms")
        acting.get("/")
        acting.get("/?sleep=0")
        slow, fast = acting.wait("request"), acting.wait("request", 2)
        assert slow["took_ns"] >= 0.2 * SECOND > fast["took_ns"]
        assert acting.get("/?sleep=much")[0] == 400

    def test_a_port_that_is_taken_is_said(self, start):
        acting = start()
        ended = acting.run()
        assert ended.returncode == 1
        assert ended.stderr == f"probe serve: listen tcp 127.0.0.1:{acting.port}: bind: address already in use\n"

    def test_it_can_be_late_to_listen(self, start):
        acting = start(listen__after="300ms")
        assert acting.said("listen")[0]["mono_ns"] - acting.said("start")[0]["mono_ns"] >= 0.3 * SECOND

    def test_it_hangs_up_until_it_is_warm_which_begins_with_the_first_connection(self, start):
        acting = start(warm__up="300ms")

        def answered() -> bool:
            try:
                return acting.get("/")[0] == 200
            except OSError:
                return False

        assert not answered()
        eventually(answered, "it stays cold")
        assert acting.wait("request")["mono_ns"] - acting.wait("first")["mono_ns"] >= 0.3 * SECOND
        assert len(acting.said("first")) == 1


def handled(acting: Probe, kind: str, handler: str, port: int) -> bool:
    """Ask a probe by one of the four handlers, as the kubelet does."""
    if handler == "http":
        return 200 <= acting.get(f"/{kind}")[0] < 400
    if handler == "exec":
        return acting.run("check", kind).returncode == 0
    if handler == "grpc":
        return acting.grpc(kind) == 1
    with socket.socket() as client:
        client.settimeout(PATIENCE)
        if client.connect_ex(("127.0.0.1", port)):
            return False
        return client.recv(1) == b""  # it accepts, and closes


class TestProbes:
    @pytest.mark.parametrize("handler", ["http", "exec", "tcp", "grpc"])
    def test_each_kind_fails_and_recovers_alone(self, start, handler):
        ports = {kind: free_port() for kind in KINDS}
        acting = start(**{f"{kind}__tcp": f"127.0.0.1:{port}" for kind, port in ports.items()})
        for kind in KINDS:
            acting.wait("port", probe=kind, open=True)
        for kind in KINDS:
            for answer in ("fail", "ok"):
                acting.set(**{kind: answer})
                ok = answer == "ok"
                acting.wait("port", 1 + ok, probe=kind, open=ok)
                assert {each: handled(acting, each, handler, ports[each]) for each in KINDS} == {
                    each: ok or each != kind for each in KINDS
                }
        for kind in KINDS:
            name = f"probe {kind} {handler} 200"
            eventually(lambda name=name: acting.get("/counts")[1]["counts"][name] == 5, name)
        counts = acting.get("/counts")[1]["counts"]
        for kind in KINDS:
            assert counts.get(f"probe {kind} {handler} 503", 0) == (0 if handler == "tcp" else 1)

    @pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (399, True), (400, False), (599, False)])
    def test_any_http_status_is_answered_as_it_is(self, start, status, ok):
        acting = start(liveness=str(status))
        assert acting.status_line("/liveness").split()[:2] == ["HTTP/1.1", str(status)]
        ended = acting.run("check", "liveness")
        assert ended.returncode == (0 if ok else 1)
        assert ended.stderr == ("" if ok else f"probe check: liveness is {status}\n") or status == 199
        assert acting.grpc("liveness") == (1 if ok else 2)
        acting.set(status=str(status))
        assert acting.status_line("/").split()[:2] == ["HTTP/1.1", str(status)], "a plain answer, too"

    def test_grpc_without_a_service_means_readiness_and_others_are_errors(self, start):
        acting = start(readiness="fail")
        assert acting.grpc("") == 2
        assert acting.grpc("nobody") is None
        assert acting.grpc("readiness", method="Watch") is None

    def test_ready_after_a_time_and_until_another(self, start):
        port = free_port()
        begin = time.monotonic_ns()  # before the first time is set; the probe's line "start" comes after it
        acting = start(readiness__after="300ms", liveness__until="600ms", readiness__tcp=f"127.0.0.1:{port}")
        assert acting.get("/readiness")[0] == 503 and acting.get("/liveness")[0] == 200
        assert acting.get("/")[1]["ready"] is False, "it answers requests, and says that it isn't ready"
        opened = acting.wait("port", probe="readiness", open=True)
        assert 0.3 * SECOND <= opened["mono_ns"] - begin < 5 * SECOND
        assert acting.get("/readiness")[0] == 200 and acting.get("/")[1]["ready"] is True
        eventually(lambda: acting.get("/liveness")[0] == 503, "liveness goes on")
        assert acting.wait("probe", probe="liveness", status=503)["mono_ns"] - begin >= 0.6 * SECOND
        acting.set(readiness__until="200ms")
        closed = acting.wait("port", probe="readiness", open=False)
        told = acting.said("set", name="readiness.until")[0]
        assert closed["mono_ns"] - told["mono_ns"] >= 0.19 * SECOND, "a time counts from when it was set"

    @pytest.mark.parametrize("handler", ["http", "exec", "grpc"])
    def test_a_slow_answer_takes_its_time(self, start, handler):
        acting = start(startup__slow="250ms")
        assert handled(acting, "startup", handler, 0) and handled(acting, "liveness", handler, 0)
        assert acting.wait("probe", probe="startup")["took_ns"] >= 0.25 * SECOND
        assert acting.wait("probe", probe="liveness")["took_ns"] < 0.25 * SECOND

    def test_who_gives_up_waiting_is_told(self, start):
        acting = start(liveness__slow="never")
        asker = subprocess.Popen([acting.command[0], "check", "liveness"], env=acting.environment)
        eventually(lambda: connections(acting.port) == 1, "nobody asks")
        asker.kill()
        asker.wait()
        assert acting.wait("probe")["status"] == 0

    def test_exec_by_file_and_without_a_server(self, program, tmp_path):
        mark = tmp_path / "ready"
        assert run(program, "check", "--file", str(mark)).returncode == 1
        mark.touch()
        assert run(program, "check", "--file", str(mark)).returncode == 0
        ended = run(program, "check", "readiness", http=f"127.0.0.1:{free_port()}")
        assert ended.returncode == 1 and "connection refused" in ended.stderr
