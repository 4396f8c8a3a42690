"""The program that an engine runs in: namespaces that end together, names nobody has, ports, a modest runtime."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kitlib.machine.airgap import debian, engine
from kitlib.machine.programs import nodeprograms

pytestmark = [pytest.mark.kind]

ASK = """
import socket, struct, sys
query = struct.pack(">6H", 0x1234, 0x0100, 1, 0, 0, 0) + b"\\x04name\\x07example\\x00" + struct.pack(">2H", 1, 1)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(3)
sock.sendto(query, (sys.argv[1], 53))
answer = sock.recv(512)
print(answer[:2].hex(), answer[2] >> 7, answer[3] & 15, struct.unpack(">4H", answer[4:12]), answer[12:] == query[12:])
"""


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder of a node's programs."""
    able, why = debian.able()
    if not able:
        pytest.skip(f"an engine of kitlib's can't be had here: {why}; use root on Debian")
    return nodeprograms.make(progress=True)


@pytest.fixture
def run(built: Path, tmp_path: Path):
    """Run a command as the first of new namespaces."""

    def start(*command: str) -> subprocess.Popen[str]:
        words = [str(built / "engine"), "run", str(tmp_path), engine.NAMES, *command]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def test_every_name_is_answered_with_no_such_name_at_once(run) -> None:
    said, _ = run(sys.executable, "-c", ASK, engine.NAMES).communicate(timeout=60)  # it waits 3 s for the answer
    assert said.split(" ", 3) == ["1234", "1", "3", "(1, 0, 0, 0) True\n"]


def test_its_network_has_no_way_out_and_its_files_are_its_own(run, tmp_path: Path) -> None:
    script = (
        "ip -o link; ip route show table main; touch /etc/kitlib-test /run/kitlib-test /opt/kitlib-test; ls /run; id -u"
    )
    child = run("sh", "-c", f"{script}; touch {tmp_path}/kept")
    said, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    assert [line.split(":")[1].strip() for line in said.splitlines() if line[1:3] == ": "] == ["lo"]
    assert "\ndefault" not in said
    assert "kitlib-test" in said
    assert not [path for path in ("/etc", "/run", "/opt") if (Path(path) / "kitlib-test").exists()]
    assert (tmp_path / "kept").exists(), "its own folder is the same inside and outside"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_ends_with_the_outermost_process(run, tmp_path: Path, number: signal.Signals) -> None:
    child = run("sh", "-c", f"setsid sleep 54321 & echo begun >{tmp_path}/begun; exec sleep 54322")
    deadline = time.monotonic() + 10
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(number)
    child.wait(10)
    while sleeping() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not sleeping()
    child.communicate()


def sleeping() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith((b"sleep\x0054321", b"sleep\x0054322")):
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_the_end_of_the_command_is_told(run) -> None:
    child = run("sh", "-c", "exit 7")
    said, _ = child.communicate(timeout=20)
    assert child.returncode == 1
    assert "sh ended: exit code 7" in said


@pytest.mark.parametrize(("address", "protocol"), [("0.0.0.0", "tcp"), ("192.0.2.1", "tcp"), ("127.0.0.1", "udp")])
def test_a_port_is_published_on_the_loopback_address_only(built: Path, address: str, protocol: str) -> None:
    ours, theirs = os.pipe()
    words = [
        "-proto",
        protocol,
        "-host-ip",
        address,
        "-host-port",
        "80",
        "-container-ip",
        "127.0.0.1",
        "-container-port",
        "1",
    ]
    script = f'exec 3>&{theirs}; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", str(built / "docker-proxy"), *words],
        pass_fds=(theirs,),
        capture_output=True,
        check=False,
    )
    os.close(theirs)
    with os.fdopen(ours) as file:
        said = file.read()
    assert done.returncode == 1
    assert said.startswith("1\n") and "only tcp on 127.0.0.1 can" in said


def test_the_runtime_asks_for_no_more_than_root_has(built: Path, tmp_path: Path) -> None:
    runc = tmp_path / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text('#!/bin/sh\necho "$@"\n')
    runc.chmod(0o755)
    asked = {
        "capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"], "effective": ["CAP_SYS_RESOURCE"]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1, "soft": 1}],
        "oomScoreAdj": -999,
        "args": ["/sbin/init"],
    }
    (tmp_path / "config.json").write_text(json.dumps({"ociVersion": "1.0.2", "process": asked}))
    (tmp_path / "process.json").write_text(json.dumps(asked | {"oomScoreAdj": 500}))

    def call(*words: str) -> str:
        environment = {"PATH": f"{runc.parent}:/usr/bin:/bin"}
        return subprocess.run(
            [built / "oci-runtime", *words], env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert call("--root", "/run/x", "create", "--bundle", str(tmp_path), "name").startswith(
        "--root /run/x create --bundle"
    )
    process = json.loads((tmp_path / "config.json").read_text())["process"]
    assert process == {"capabilities": {"bounding": ["CAP_SYS_ADMIN"], "effective": []}, "args": ["/sbin/init"]}
    assert call("exec", "--process", str(tmp_path / "process.json"), "name").startswith("exec --process")
    assert json.loads((tmp_path / "process.json").read_text())["oomScoreAdj"] == 500
    assert call("delete", "name") == "delete name"
