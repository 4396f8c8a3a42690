"""The frame `queries`, of lines as CoreDNS' plugin `log` writes them."""

from __future__ import annotations

import pytest

from kitlib.frames import queries
from kitlib.frames.queries import DTYPES
from kitlib.recording import Recording
from tests.frames.test_traffic import BEGIN, SECOND, logged, stamped

LINE = (
    '[INFO] 10.244.2.4:48392 - 12345 "AAAA IN web.shop.svc.cluster.local. udp 63 false 4096" NOERROR qr,aa,rd 156 {}s'
)
OVER_TCP = (
    '[INFO] [fd00::4]:53211 - 7 "SRV IN _http._tcp.web.shop.svc.cluster.local. tcp 49 true 1232" NXDOMAIN - 0 1.5s'
)
OTHERS = [
    "[INFO] Reloading",
    "[INFO] plugin/reload: Running configuration SHA512 = 1b226df79860026c6a52e67daa10d7f0d57ec5b023288ec00c5e05f93523",
    "[ERROR] plugin/errors: 2 example.org. A: read udp 10.244.0.2:1->172.18.0.1:53: i/o timeout",
    ".:53",
    '[INFO] 10.244.2.4:48392 - 12345 "A IN half. udp',
    '[INFO] 10.244.2.4:48392 - 12345 "A IN x. udp 63 false 4096" NOERROR qr 156 0.1s and more',
]


def frame_of(*lines: str):
    recording = Recording()
    logged(recording, [stamped(at, line) for at, line in enumerate(lines, 1)])
    return queries(recording.frames)


def test_each_query_is_a_row():
    frame = frame_of(LINE.format("0.000104583"), *OTHERS, OVER_TCP)
    assert frame.dtypes.astype(str).to_dict() == DTYPES
    assert frame[["client", "port", "id", "type", "asked", "protocol", "rcode", "took_ns"]].values.tolist() == [
        ["10.244.2.4", 48392, 12345, "AAAA", "web.shop.svc.cluster.local", "udp", "NOERROR", 104583],
        ["fd00::4", 53211, 7, "SRV", "_http._tcp.web.shop.svc.cluster.local", "tcp", "NXDOMAIN", 1_500_000_000],
    ]
    assert (frame["at"].dt.as_unit("ns").astype("int64") - BEGIN).tolist() == [SECOND, 8 * SECOND]
    assert frame["name"].tolist() == ["client", "client"]


@pytest.mark.parametrize("line", OTHERS)
def test_other_lines_are_left_out(line):
    frame = frame_of(line)
    assert len(frame) == 0 and frame.dtypes.astype(str).to_dict() == DTYPES


def test_it_knows_the_gaps_of_logs():
    recording = Recording()
    logged(recording, [stamped(1, LINE.format("0.1"))])
    assert queries(recording.frames).attrs["gaps"] == []
    recording.mark("STREAM", "coredns", "logs/coredns", kind="Log", api_version="kitlib", namespace="kube-system")
    recording.mark("LISTED", "coredns", "logs/coredns", kind="Log", known_ns=0)
    (gap,) = queries(recording.frames).attrs["gaps"]
    assert gap["kind"] == "Log" and "no end" in gap["reason"]
