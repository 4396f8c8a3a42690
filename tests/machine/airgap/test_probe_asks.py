"""What the probe sees of itself, asks for and serves: names, load, a registry; as a process on 127.0.0.1."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.machine.airgap.acting import (
    PATIENCE,
    SECOND,
    Probe,
    environment,
    eventually,
    free_port,
    lines,
    run,
)
from tests.machine.airgap.naming import NameServer, encoded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the probe is a program for Linux: run this on Linux")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take rights away: run the tests as root")


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

    def test_what_is_looked_up_by_http_is_logged_as_it_is_answered(self, start):
        with NameServer(ZONE) as server:
            acting = start()
            said = acting.get(f"/dns?name=web.shop.svc.cluster.local.&type=A,AAAA&server={server.address}")[1]
            acting.get("/self")
            eventually(lambda: any("queries" in line for line in acting.lines), "it logs no lookup")
        (logged,) = [line for line in acting.lines if "queries" in line]
        assert logged == said and not any("processes" in line for line in acting.lines)
        assert [(each["type"], each["ttl"], each["data"]) for each in logged["answers"]][-1] == ("AAAA", 30, "fd00::1")

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
        assert total["sent"] == len(each) <= 11 < total["due"] <= 50, "one at a time: a tenth of a second each"
        assert total["since_due"]["p100_ns"] > total["took"]["p50_ns"] >= 0.1 * SECOND
        each, total = self.load(
            program, f"http://127.0.0.1:{acting.port}/", "--rate", "50", "--for", "1s", "--concurrency", "50"
        )
        assert total["due"] == total["sent"], "nobody waits for another's answer"

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
