"""How the probe ends, its hooks, and what it takes up: seen from outside, as a process on 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.machine.airgap.acting import (
    PATIENCE,
    SECOND,
    Probe,
    eventually,
    lines,
    open_port,
    run,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probe is a program for Linux: run this on Linux")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take rights away: run the tests as root")


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

    def test_a_process_is_sent_a_signal_by_the_number_in_its_file(self, start, program, tmp_path):
        acting, other = start(), start()
        file = tmp_path / "other.pid"
        file.write_text(f"{other.process.pid}\n")
        status, said = acting.get(f"/signal?name=HUP&file={file}")
        assert status == 200 and said["pid"] == other.process.pid
        assert acting.wait("sent")["signal"] == "HUP" and other.wait("signal")["signal"] == 1
        assert run(program, "signal", "USR1", "--file", str(file)).returncode == 0
        assert other.wait("signal", 2)["signal"] == 10

    def test_what_is_no_process_is_sent_no_signal(self, start, tmp_path):
        acting, file = start(), tmp_path / "none.pid"
        for text in ("", "-1", "0", "one"):
            file.write_text(text)
            status, said = acting.get(f"/signal?name=HUP&file={file}")
            assert status == 500 and "no process' number" in said["error"]
        assert acting.get(f"/signal?name=KILL&file={file}")[0] == 400
        assert acting.get("/signal?name=HUP")[0] == 400
        assert acting.get("/")[0] == 200
