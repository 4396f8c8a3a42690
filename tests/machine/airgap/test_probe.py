"""The probe does what its settings say: seen from outside, as a process on 127.0.0.1."""

from __future__ import annotations

import contextlib
import hashlib
import io
import ipaddress
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kitlib.errors import BuildError
from kitlib.machine.airgap import probe
from kitlib.machine.programs import toolchain
from tests.machine.airgap.acting import PATIENCE, Probe, environment, eventually, free_port, open_port
from tests.machine.airgap.naming import NameServer, encoded

CHECKOUT = Path(__file__).resolve().parents[3]
KINDS = ("startup", "readiness", "liveness")
SECOND = 1_000_000_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probe is a program for Linux: run this on Linux")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take rights away: run the tests as root")


@pytest.fixture(scope="session")
def built() -> Path:
    try:
        return probe.binary()
    except BuildError as error:
        if error.step == "find Go":
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def program(built: Path) -> Iterator[Path]:
    """The program where every user may run it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy2(built, folder))


@pytest.fixture
def start(program: Path) -> Iterator[Callable[..., Probe]]:
    """Start probes that listen; they end with the test."""
    with contextlib.ExitStack() as stack:

        def start(arguments: tuple[str, ...] = (), **settings: str) -> Probe:
            named = {name.replace("__", "."): value for name, value in settings.items()}
            acting = stack.enter_context(Probe(program, named, *arguments))
            return acting if arguments else acting.ready()

        yield start


def run(
    program: Path, *arguments: str, before: tuple[str, ...] = (), **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return subprocess.run(
        [*before, str(program), *arguments],
        env=environment(named),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


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


def connections(port: int) -> int:
    """Return how many connections to a port are established, as the kernel has it."""
    text = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "01" for line in text)


class TestEnd:
    def asked(self, acting: Probe, crew: ThreadPoolExecutor, sleep: str):
        """Ask, and return when the request is in flight."""
        answer = crew.submit(acting.get, f"/?sleep={sleep}")
        eventually(lambda: acting.get("/counts")[1]["in_flight"] == 1, "no request is in flight")
        return answer

    def test_exit_cuts_off_what_is_in_flight(self, start):
        acting = start()
        with ThreadPoolExecutor() as crew:
            answer = self.asked(acting, crew, "30s")
            acting.process.send_signal(signal.SIGTERM)
            assert acting.exit() == 143
            with pytest.raises(OSError):
                answer.result()
        assert acting.wait("signal")["signal"] == 15
        told = acting.wait("exit")
        assert (told["code"], told["in_flight"]) == (143, 1)

    def test_drain_answers_first_and_takes_no_new_ones(self, start):
        acting = start(term="drain", term__code="0")
        with ThreadPoolExecutor() as crew:
            answer = self.asked(acting, crew, "1s")
            acting.process.send_signal(signal.SIGTERM)
            acting.wait("drain", in_flight=1)
            eventually(lambda: not open_port(acting.port), "it still takes requests")
            assert answer.result()[0] == 200
        assert acting.exit() == 0
        assert acting.wait("exit")["why"] == "SIGTERM; all requests are answered"

    def test_drain_has_a_limit(self, start):
        acting = start(term="drain", term__drain="200ms", term__code="9")
        with ThreadPoolExecutor() as crew:
            answer = self.asked(acting, crew, "30s")
            acting.process.send_signal(signal.SIGTERM)
            assert acting.exit() == 9
            with pytest.raises(OSError):
                answer.result()
        assert acting.wait("exit")["mono_ns"] - acting.wait("signal")["mono_ns"] >= 0.2 * SECOND

    def test_it_goes_on_as_before_for_a_time(self, start):
        acting = start(term__wait="500ms")
        acting.process.send_signal(signal.SIGTERM)
        acting.wait("signal")
        assert acting.get("/")[0] == 200
        assert acting.exit() == 143
        assert acting.wait("exit")["mono_ns"] - acting.wait("signal")["mono_ns"] >= 0.5 * SECOND

    def test_ignored_until_killed(self, start):
        acting = start(term="ignore")
        for number, name in ((signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupt"), (signal.SIGHUP, "hangup")):
            acting.process.send_signal(number)
            acting.wait("signal", signal=int(number), name=name, term="ignore")
        assert acting.get("/")[0] == 200 and acting.process.poll() is None
        acting.process.kill()
        assert acting.exit() == -signal.SIGKILL and not acting.said("exit")

    def test_it_exits_with_a_code_after_a_time(self, start):
        began = time.monotonic_ns()
        acting = start(exit__after="300ms", exit__code="3")
        assert acting.exit() == 3
        assert acting.wait("exit")["mono_ns"] - began >= 0.3 * SECOND
        acting = start()
        with contextlib.suppress(OSError):  # it may be gone before it answers
            acting.get("/set", "exit.code=4&exit.after=0")
        assert acting.exit() == 4, "on command"

    @pytest.mark.parametrize(("index", "code"), [(None, 0), ("0", 0), ("1", 42), ("2", 7), ("9", 7)])
    def test_a_job_exits_by_its_index(self, program, index, code):
        more = {} if index is None else {"JOB_COMPLETION_INDEX": index}
        began = time.monotonic_ns()
        with Probe(program, {"exit.after": "100ms", "exit.code": "0,42,7", **more}, "job") as acting:
            assert acting.exit() == code
            assert acting.wait("start").get("job_completion_index") == index
            assert acting.wait("exit")["mono_ns"] - began >= 0.1 * SECOND
            assert not acting.said("listen")

    def test_a_job_without_a_time_is_done_at_once(self, program):
        assert run(program, "job", exit__code="5").returncode == 5


EARLY = """
import ctypes, os, pathlib, sys, time
ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: nobody may look at it, as at runc's init
pathlib.Path("/proc/self/comm").write_text("runc:[2:INIT]")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What becomes the probe when a file is there."""


def children(pid: int) -> list[str]:
    """Return the numbers of a process's children."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def names(pid: int) -> list[str]:
    """Return the names of a process's children."""
    return [Path(f"/proc/{each}/comm").read_text().rstrip("\n") for each in children(pid)]


class TestHooks:
    def test_exec_logs_begin_and_end_and_fails_as_told(self, program, tmp_path):
        log = tmp_path / "log"
        ended = run(program, "hook", "post-start", "--sleep", "200ms", "--fail", "7", "--log", str(log))
        assert (ended.returncode, ended.stdout) == (7, "")
        assert ended.stderr == "probe hook: hook post-start fails, as it was told\n"
        begin, end = lines(log.read_text())
        assert (begin["hook"], begin["phase"], end["phase"], end["code"]) == ("post-start", "begin", "end", 7)
        assert end["mono_ns"] - begin["mono_ns"] >= 0.2 * SECOND
        assert run(program, "hook", "pre-stop", "--log", str(log)).returncode == 0
        assert len(log.read_text().splitlines()) == 4
        assert run(program, "hook", "x", "--sleep", "long").returncode == 2

    def test_http_logs_where_the_server_does(self, start):
        acting = start()
        assert acting.get("/hook/pre-stop?sleep=200ms") == (200, {"done": True})
        begin, end = acting.wait("hook", phase="begin"), acting.wait("hook", phase="end")
        assert (end["hook"], end["handler"], end["code"]) == ("pre-stop", "http", 0)
        assert end["mono_ns"] - begin["mono_ns"] >= 0.2 * SECOND
        assert acting.get("/hook/pre-stop?fail=1")[0] == 500
        assert acting.get("/hook/pre-stop?fail=soon")[0] == 400

    @as_root
    def test_exec_writes_to_the_log_of_the_containers_first_process(self, program):
        apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", str(program)]
        with Probe(apart) as acting:
            acting.ready()
            assert acting.wait("start")["pid"] == 1
            (first,) = children(acting.process.pid)
            inside = ["nsenter", "--target", first, "--pid", "--mount"]
            subprocess.run([*inside, program, "hook", "post-start"], check=True, timeout=PATIENCE)
            told = acting.wait("hook", phase="begin", hook="post-start")
            assert told["mono_ns"] > acting.wait("start")["mono_ns"], "one clock"

    @as_root
    def test_exec_waits_until_the_first_process_is_the_containers(self, program, tmp_path):
        """On a busy machine a hook may come before runc's init, of which nothing may be seen, has become the server."""
        init, go = tmp_path / "init.py", tmp_path / "go"
        init.write_text(EARLY)
        as_in_a_container = ["setpriv", "--bounding-set=-all"]
        apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *as_in_a_container]
        with Probe([*apart, sys.executable, str(init), str(go), str(program)]) as acting:
            eventually(lambda: names(acting.process.pid) == ["runc:[2:INIT]"], "it passes for runc's init")
            (first,) = children(acting.process.pid)
            inside = ["nsenter", "--target", first, "--pid", "--mount", *as_in_a_container]
            hook = subprocess.Popen([*inside, program, "hook", "early"], stdout=subprocess.PIPE)
            try:
                eventually(lambda: names(hook.pid) == [program.name], "the hook runs")
                assert not acting.said("start")
                go.touch()
                assert acting.wait("hook", phase="end")["hook"] == "early"
                assert hook.communicate(timeout=PATIENCE) == (b"", None)
                assert acting.wait("start")
            finally:
                hook.kill()


class TestResources:
    def test_memory_is_taken_and_given_back(self, start):
        acting = start()

        def resident() -> int:
            text = Path(f"/proc/{acting.process.pid}/status").read_text()
            return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024  # type: ignore[index]

        before = resident()
        acting.set(memory="96Mi")
        assert acting.wait("memory")["bytes"] == 96 << 20
        assert resident() - before >= 96 << 20
        acting.set(memory="0")
        assert acting.wait("memory", 2)["bytes"] == 0
        assert resident() - before < 32 << 20
        acting.set(memory="10Mi", memory__rate="20Mi")
        begin = acting.wait("set", name="memory.rate")["mono_ns"]
        assert acting.wait("memory", 3)["mono_ns"] - begin >= 0.4 * SECOND

    def test_disk_is_filled_and_cleared(self, start, tmp_path):
        file = tmp_path / "fill"
        acting = start(disk__path=str(file), disk="3000k")
        assert acting.wait("disk")["number"] == 3_000_000
        assert file.stat().st_size == 3_000_000 and file.stat().st_blocks * 512 >= 3_000_000
        acting.set(disk="1M")
        acting.wait("disk", 2)
        assert file.stat().st_size == 1_000_000
        acting.set(disk="0")
        acting.wait("disk", 3)
        assert not file.exists()

    def test_a_file_of_others_stays(self, start, tmp_path):
        file = tmp_path / "precious"
        file.write_text("mine")
        acting = start(disk__path=str(file), memory="1Mi")
        acting.wait("memory")
        acting.set(disk__rate="1Mi")
        assert acting.get("/")[0] == 200 and file.read_text() == "mine"

    def test_a_full_disk_is_told(self, start, small_disk):
        acting = start(disk__path=str(small_disk / "fill"), disk="5Mi")
        assert acting.wait("disk")["error"].endswith("no space left on device")
        assert acting.get("/")[0] == 200

    def test_a_sidecar_refreshes_what_a_server_serves(self, start, tmp_path):
        file = tmp_path / "now"
        sidecar = start(name="sidecar", refresh=str(file), refresh__every="100ms")
        server = start(name="server")
        second = sidecar.wait("refresh", 2)
        assert second["mono_ns"] - sidecar.said("refresh")[0]["mono_ns"] >= 0.1 * SECOND
        status, said = server.get(f"/file?path={file}")
        held = json.loads(said["text"])
        assert status == 200 and held["name"] == "sidecar" and held["count"] >= 2
        sidecar.set(refresh=str(tmp_path / "nowhere" / "now"))
        eventually(lambda: any("error" in line for line in sidecar.said("refresh")), "a failure is not told")

    def test_files_are_written_and_read(self, start, program, tmp_path):
        file, acting = tmp_path / "data", start()
        assert acting.get("/file", f"path={file}&write=one%0a")[1]["text"] == "one\n"
        ended = run(program, "file", str(file), "--append", "two")
        assert ended.returncode == 0 and lines(ended.stdout)[0]["bytes"] == 7
        assert file.read_text() == "one\ntwo"
        status, said = acting.get(f"/file?path={tmp_path / 'none'}")
        assert status == 500 and said["error"].endswith("no such file or directory")


def as_nobody(program: Path, *arguments: str) -> list[dict]:
    """Run as a user without rights."""
    before = ("setpriv", "--reuid", "65534", "--regid", "65533", "--groups", "65532,65531", "--no-new-privs")
    return lines(run(program, *arguments, before=before).stdout)


class TestSelf:
    def test_it_says_what_the_kernel_says(self, start):
        acting = start(POD_NAME="web-0")
        said, folder = acting.get("/self")[1], Path(f"/proc/{acting.process.pid}")
        assert (said["uid"], said["gid"], said["pod_name"]) == (os.getuid(), os.getgid(), "web-0")
        for kind in ("net", "pid", "mnt"):
            assert said["namespaces"][kind] == os.readlink(folder / "ns" / kind)
        assert {"pid": acting.process.pid, "name": "probe", "uid": str(os.getuid())}.items() <= {
            key: value for each in said["processes"] if each["pid"] == acting.process.pid for key, value in each.items()
        }.items()
        mounted = [line.split()[4] for line in (folder / "mountinfo").read_text().splitlines()]
        assert [each["path"] for each in said["mounts"]] == mounted
        assert {"interface": "lo", "address": "127.0.0.1/8"} in said["addresses"]
        assert said["hostname"] == os.uname().nodename and "POD_NAME=web-0" in said["environment"]
        mask = int(re.search(r"CapEff:\s+(\w+)", (folder / "status").read_text())[1], 16)  # type: ignore[index]
        assert len(said["capabilities"]["effective"]) == mask.bit_count()

    @as_root
    def test_a_user_without_rights(self, program):
        (said,) = as_nobody(program, "self")
        assert (said["uid"], said["gid"], sorted(said["groups"])) == (65534, 65533, ["65531", "65532"])
        assert said["capabilities"]["effective"] == [] and said["no_new_privileges"] is True
        assert (said["seccomp"], said["root_writable"]) == ("off", False)
        done = {each["what"]: each["done"] for each in as_nobody(program, "try")}
        assert not any(
            done[what] for what in ("write-root", "chown", "mknod", "setuid", "chroot", "raw-socket", "unshare")
        )

    @as_root
    @pytest.mark.parametrize(
        ("capability", "what"),
        [
            ("chown", "chown"),
            ("mknod", "mknod"),
            ("setuid", "setuid"),
            ("net_raw", "raw-socket"),
            ("sys_admin", "unshare"),
        ],
    )
    def test_what_is_refused_follows_the_capability(self, program, capability, what):
        before = ("setpriv", f"--bounding-set=-{capability}", "--")
        (without,) = lines(run(program, "try", what, before=before).stdout)
        (with_it,) = lines(run(program, "try", what).stdout)
        assert (without["done"], without["errno"], with_it["done"]) == (False, 1, True), (without, with_it)
        (said,) = lines(run(program, "self", before=before).stdout)
        assert f"CAP_{capability.upper()}" not in said["capabilities"]["effective"]

    @as_root
    def test_a_read_only_root(self, program):
        before = (
            "unshare",
            "--mount",
            "sh",
            "-c",
            'mount --bind / / && mount -o remount,ro,bind / && exec chroot / "$@"',
        )
        (said,) = lines(run(program, "try", "write-root", before=(*before, "sh")).stdout)
        assert (said["done"], said["errno"]) == (False, 30)

    @pytest.mark.skipif(os.uname().machine != "x86_64", reason="the test's filter is written for x86-64: run it there")
    def test_a_seccomp_filter(self, program):
        ended = subprocess.run(
            [sys.executable, "-c", FILTER, program, "self"],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        assert lines(ended.stdout)[0]["seccomp"] == "filter"
        ended = subprocess.run(
            [sys.executable, "-c", FILTER, program, "try", "keyctl", "trace"],
            capture_output=True,
            text=True,
            check=True,
        )
        trace, keyctl = lines(ended.stdout)
        assert (keyctl["done"], keyctl["errno"], trace["done"]) == (False, 1, True)


FILTER = """
import ctypes, os, struct, sys
load, equal, give = 0x20, 0x15, 0x06
code = b"".join(struct.pack("HBBI", *each) for each in (
    (load, 0, 0, 0), (equal, 0, 1, 250), (give, 0, 0, 0x50001), (give, 0, 0, 0x7fff0000)))  # keyctl: EPERM; else: allow
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Takes keyctl away from the program that is started after it."""

REVERSED = f"{ipaddress.ip_address('fd00::1').reverse_pointer}."
ZONE = {
    ("web.shop.svc.cluster.local.", "A"): [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])],
    ("web.shop.svc.cluster.local.", "AAAA"): [bytes.fromhex("fd00" + "00" * 13 + "01")],
    ("_http._tcp.web.shop.svc.cluster.local.", "SRV"): [struct.pack(">HHH", 0, 50, 8080) + encoded("web-0.web")],
    ("1.0.0.10.in-addr.arpa.", "PTR"): [encoded("web-0.web.shop.svc.cluster.local")],
    (REVERSED, "PTR"): [b"\xc0\x0c"],
    ("other.example.", "CNAME"): [encoded("web.shop.svc.cluster.local")],
    ("other.example.", "TXT"): [b"\x03own\x03ers", b"\x00"],
}
SEARCH = ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"]


class TestNames:
    @pytest.fixture
    def resolver(self, tmp_path):
        file = tmp_path / "resolv.conf"
        file.write_text(f"nameserver 192.0.2.1\nsearch {' '.join(SEARCH)}\noptions ndots:5 attempts:1\n")
        return str(file)

    def ask(self, program, server, resolver, name, *more):
        ended = run(program, "dns", name, "--server", server.address, "--resolv-conf", resolver, *more)
        assert ended.returncode == 0, ended.stderr
        return lines(ended.stdout)[-1]

    def test_each_query_of_the_search_path_is_told(self, program, resolver):
        with NameServer(ZONE) as server:
            said = self.ask(program, server, resolver, "other.example")
            assert said["answers"] == []
        names = [f"other.example.{domain}." for domain in SEARCH] + ["other.example."]
        expected = [(name, kind) for name in names for kind in ("A", "AAAA")]
        assert server.asked == expected == [(each["name"], each["type"]) for each in said["queries"]]
        assert [each["rcode"] for each in said["queries"]] == ["NXDOMAIN"] * 6 + ["NOERROR"] * 2

    def test_the_first_answer_ends_the_search(self, program, resolver):
        with NameServer(ZONE) as server:
            said = self.ask(program, server, resolver, "web")
        assert [each["data"] for each in said["answers"]] == ["10.0.0.1", "10.0.0.2", "fd00::1"]
        assert {each["name"] for each in said["answers"]} == {"web.shop.svc.cluster.local."}
        assert {each["ttl"] for each in said["answers"]} == {30}
        assert len(server.asked) == 2

    def test_dots_and_a_final_dot_save_queries(self, program, resolver):
        with NameServer(ZONE) as server:
            self.ask(program, server, resolver, "web.shop.svc.cluster.local", "--type", "A")
            assert len(server.asked) == len(SEARCH) + 1
            self.ask(program, server, resolver, "web.shop.svc.cluster.local.", "--type", "A")
            self.ask(program, server, resolver, "web.shop.svc.cluster.local", "--type", "A", "--search", "off")
            Path(resolver).write_text(Path(resolver).read_text().replace("ndots:5", "ndots:4"))
            self.ask(program, server, resolver, "web.shop.svc.cluster.local", "--type", "A")
        assert len(server.asked) == len(SEARCH) + 1 + 3

    @pytest.mark.parametrize(
        ("name", "kind", "data"),
        [
            ("_http._tcp.web.shop.svc.cluster.local.", "SRV", ["0 50 8080 web-0.web."]),
            ("10.0.0.1", "PTR", ["web-0.web.shop.svc.cluster.local."]),
            ("fd00::1", "PTR", [REVERSED]),
            ("other.example.", "CNAME", ["web.shop.svc.cluster.local."]),
            ("other.example.", "TXT", ["owners", ""]),
        ],
    )
    def test_other_types(self, program, resolver, name, kind, data):
        with NameServer(ZONE) as server:
            said = self.ask(program, server, resolver, name, "--type", kind, "--search", "off")
        assert [each["data"] for each in said["answers"]] == data
        assert {each["type"] for each in said["answers"]} == {kind}

    def test_silence_is_a_timeout(self, program, resolver):
        with NameServer(ZONE, lambda right: None) as server:
            said = self.ask(program, server, resolver, "web.", "--type", "A", "--timeout", "200ms")
        assert [each["error"] for each in said["queries"]] == ["timeout"]
        assert said["took_ns"] >= 0.2 * SECOND

    def test_no_answer_breaks_it(self, start, resolver):
        """Every prefix of an answer, and pointers that lead nowhere, are errors."""
        changes: list[Callable[[bytes], bytes]] = []
        with NameServer(ZONE, lambda right: changes[-1](right)) as server:
            acting, query = start(), f"/dns?name=web.shop.svc.cluster.local.&type=A&server={server.address}"
            changes.append(lambda right: right)
            assert acting.get(query)[1]["queries"][0]["answers"] == 2
            for length in range(12, 76):
                changes.append(lambda right, length=length: right[:length])
                assert acting.get(query)[1]["queries"][0]["error"] == "the answer is cut short", length
            for at, value in ((12, 0xFF), (44, 0xC0), (45, 44), (54, 0xFF), (2, 0x87)):
                changes.append(lambda right, at=at, value=value: right[:at] + bytes([value]) + right[at + 1 :])
                status, said = acting.get(query)
                assert status == 200 and len(said["queries"]) == 1, (at, value)
            assert acting.get("/counts")[0] == 200

    def test_it_can_go_on_asking(self, program, resolver):
        with NameServer(ZONE) as server:
            self.ask(program, server, resolver, "web.", "--type", "A", "--every", "100ms", "--for", "350ms")
        assert len(server.asked) in (3, 4)

    @pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "a b"])
    def test_a_name_that_is_none(self, program, name):
        ended = run(program, "dns", name, "--server", "127.0.0.1:9")
        assert ended.returncode == 2 and "use a name of labels" in ended.stderr


class TestLoad:
    def load(self, program, target, *arguments):
        ended = run(program, "load", target, *arguments)
        assert ended.returncode == 0, ended.stderr
        *each, total = lines(ended.stdout)
        assert total["summary"]
        return each, total

    def test_each_request_is_told_and_summed(self, program, start):
        acting = start(name="web", version="v2", latency="20ms", status="202")
        each, total = self.load(program, f"http://127.0.0.1:{acting.port}/x", "--count", "50", "--concurrency", "5")
        assert len(each) == total["due"] == total["sent"] == total["answered"] == 50
        assert (total["statuses"], total["who"], total["versions"]) == ({"202": 50}, {"web": 50}, {"v2": 50})
        assert all((line["who"], line["ready"], line["reused"]) == ("web", "true", False) for line in each)
        assert acting.get("/counts")[1]["counts"] == {"request /x 202": 50}
        took = np.array([line["took_ns"] for line in each])
        for share in (50, 90, 99):
            assert total["took"][f"p{share}_ns"] == np.percentile(took, share, method="inverted_cdf")
        assert total["took"]["p0_ns"] == took.min() >= 0.02 * SECOND and total["took"]["p100_ns"] == took.max()
        bounds = [0, *(bar["up_to_ns"] for bar in total["took"]["histogram"])]
        counted = [int(((took > low) & (took <= high)).sum()) for low, high in itertools.pairwise(bounds)]
        assert sum(bar["count"] for bar in total["took"]["histogram"]) == 50
        assert [bar["count"] for bar in total["took"]["histogram"]] == counted

    def test_a_rate_does_not_wait_for_answers(self, program, start):
        acting = start(latency="100ms")
        each, total = self.load(program, f"http://127.0.0.1:{acting.port}/", "--rate", "50", "--for", "1s")
        assert 45 <= total["due"] <= 50 and total["sent"] == len(each) <= 11
        assert total["since_due"]["p100_ns"] > 0.5 * SECOND > total["took"]["p50_ns"] >= 0.1 * SECOND
        each, total = self.load(
            program, f"http://127.0.0.1:{acting.port}/", "--rate", "50", "--for", "1s", "--concurrency", "20"
        )
        assert total["due"] == total["sent"] == 50

    def test_what_goes_wrong_is_named(self, program, start):
        acting = start(latency="30s")
        target = f"http://127.0.0.1:{acting.port}/"
        assert self.load(program, target, "--count", "2", "--timeout", "100ms")[1]["errors"] == {"timeout": 2}
        closed = f"http://127.0.0.1:{free_port()}/"
        each, total = self.load(program, closed, "--count", "3")
        assert total["errors"] == {"refused": 3} and total["answered"] == 0 and each[0]["error"] == "refused"
        with ThreadPoolExecutor() as crew:
            pending = crew.submit(self.load, program, target, "--count", "1")
            eventually(lambda: acting.get("/counts")[1]["in_flight"] == 1, "no request is in flight")
            acting.process.kill()
            assert set(pending.result()[1]["errors"]) <= {"cut off", "reset"}

    def test_connections_are_kept_if_told(self, program, start):
        acting = start()
        each, _ = self.load(program, f"http://127.0.0.1:{acting.port}/", "--count", "4", "--keepalive", "on")
        assert [line["reused"] for line in each] == [False, True, True, True]

    def test_headers_and_the_host_are_sent(self, program, start):
        acting = start()
        more = ("--count", "1", "--header", "Host: shop.example", "--header", "Cookie: canary=always", "--lines", "off")
        each, total = self.load(program, f"http://127.0.0.1:{acting.port}/", *more)
        assert each == [] and total["answered"] == 1
        assert acting.wait("request")["host"] == "shop.example"

    def test_by_http_it_answers_line_by_line(self, start):
        web, client = start(name="web"), start(name="client")
        status, said = client.get(f"/load?url=http://127.0.0.1:{web.port}/&count=3")
        assert status == 200 and len(said) == 4 and said[-1]["who"] == {"web": 3}
        assert client.get("/load?url=nowhere")[0] == 400
        assert client.get(f"/load?url=http://127.0.0.1:{web.port}/&counts=3")[0] == 400

    def test_a_stop_in_the_middle_still_sums_up(self, program, start):
        acting = start()
        client = subprocess.Popen(
            [program, "load", f"http://127.0.0.1:{acting.port}/", "--rate", "100", "--for", "never"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment({}),
        )
        acting.wait("request", 10)
        client.send_signal(signal.SIGTERM)
        out, _ = client.communicate(timeout=PATIENCE)
        *each, total = lines(out)
        assert client.returncode == 0 and total["summary"] and total["answered"] == len(each) >= 10


class TestRegistry:
    def pulled(self, probe: Probe, what: str) -> tuple[dict[str, str], bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{probe.port}/v2/{what}", timeout=PATIENCE) as answer:
            return dict(answer.headers), answer.read()

    def test_its_image_is_this_program_and_comes_at_the_rate(self, start, program):
        probe = start(registry="on", registry__rate="8Mi")
        headers, text = self.pulled(probe, "a/b/manifests/latest")
        assert headers["Docker-Content-Digest"] == f"sha256:{hashlib.sha256(text).hexdigest()}"
        manifest = json.loads(text)
        assert headers["Content-Type"] == manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
        (layer,) = manifest["layers"]
        begin = time.monotonic()
        _, data = self.pulled(probe, f"a/b/blobs/{layer['digest']}")
        assert time.monotonic() - begin > len(data) / 2**23 - 0.2, "not faster than it was told"
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == layer["digest"] and len(data) == layer["size"]
        with tarfile.open(fileobj=io.BytesIO(data)) as files:
            assert files.extractfile("probe").read() == program.read_bytes()  # type: ignore[union-attr]
        config = json.loads(self.pulled(probe, f"a/b/blobs/{manifest['config']['digest']}")[1])
        assert config["config"]["Entrypoint"] == ["/probe"] and config["rootfs"]["diff_ids"] == [layer["digest"]]

    def test_each_start_has_another_image_and_what_it_has_not_is_not_found(self, start):
        one, other = (start(registry="on") for _ in range(2))
        digests = [self.pulled(each, "x/manifests/1")[0]["Docker-Content-Digest"] for each in (one, other)]
        assert digests[0] != digests[1]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            self.pulled(one, f"x/blobs/{digests[1]}")

    def test_it_is_none_unless_it_is_told(self, start):
        _, text = self.pulled(start(), "x/manifests/1")
        assert json.loads(text)["path"] == "/v2/x/manifests/1"


def test_a_line_has_both_clocks_and_is_never_torn(start):
    acting = start(readiness__slow="0")
    threads = [threading.Thread(target=lambda: [acting.get("/") for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acting.wait("request", 200)
    assert all(line["wall_ns"] > 1.7e18 and line["mono_ns"] > 0 for line in acting.lines)
