"""The lesson on shared addresses tests every line of its section of the catalogue; what it reads is read right."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from kitlib import objects
from kitlib.claims import judge, never
from kitlib.cluster.kind import firstboot
from kitlib.frames import Frames
from kitlib.lessons import addresses
from kitlib.machine.airgap.parts import PARTS
from kitlib.recording import Recording
from tests.conftest import CHECKOUT
from tests.lessons.test_entry import logs

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "kube-vip"
LINES = {
    "A static Pod on control-plane nodes gives the API a virtual address without HAProxy + Keepalived": [
        "Each node with a control plane runs it, as a static Pod",
        "Neither HAProxy nor Keepalived is there, nor another load balancer: no node runs one",
        "A worker's kubelet asks for the API server by a name, which stands for the shared address",
        "The kubelet of a node with a control plane asks that of its own node: it needs no shared address to go on",
        "The API answers at an address that is no node's own",
        "By the shared name the certificate of whoever answers is right",
        "By the bare address it is right as well",
        "kube-vip itself, as a static Pod, gives the API an address: one node has it",
    ],
    "ARP mode: a leader is elected (Lease) and takes the address; when it dies another takes over": [
        "By ARP a leader is elected: a Lease names one of the three nodes, and stays with it",
        "The leader, and nobody else, has the address on an interface",
        "It renews the Lease before what it is good for is over",
        "All requests go to the leader: this way spreads no load",
        "The leader says again and again, unasked, that the address is at its interface (gratuitous ARP)",
        "Asked on the wire whose address it is, one answers: the leader's kernel",
        "kube-vip's own Lease names the node that has the address",
    ],
    "Killed in three ways, and the dead holder that still answers: seconds without an answer, gratuitous ARP": [
        "Told to end, the leader gives the Lease back: for a moment it has no holder",
        "When the leader ends another node takes over",
        "Nobody waits for the Lease to run out then: somebody answers sooner than it would have",
        "Who takes over tells the wire at once (gratuitous ARP)",
        "Connections that stood don't move: who kept one is cut off, and must come again",
        "Killed, the leader gives nothing back: the Lease goes on naming it",
        "When who holds the address is killed, the address is away until the Lease has run out",
        "A leader that hangs is replaced when its Lease has run out: 15 seconds after the second of its last renewal",
        "Whoever is replaced gives the address up",
        "The dead holder still answers: asked whose address it is, two say that it is theirs",
        "When it goes on it sees that somebody else leads, and takes the address off",
        "Cut off, the leader can't renew its Lease, gives up, and takes the address off",
        "It does so before another one may take it: renew-deadline is shorter than lease-duration",
        "Alone its API server is no use: without the others etcd has no majority",
        "When a node is lost another one takes the address over, and requests are answered again",
        "That takes about as long as the Lease is good, fifteen seconds: nobody answers for more than half of them",
        "Of the four ways the cable costs most",
    ],
    "BGP mode: every node announces the address: a router's table shows each, and traffic spreads": [
        "By BGP every node announces the address: the router's table has three ways to it",
        "Every node has the address, on its loopback interface; there is no leader",
        "Traffic spreads: each of the three API servers answers, none less than a tenth of the requests",
        "The router chooses by connection: the same two ends by another port may go another way",
        "A node that leaves says so to the router: not a quarter of the requests is lost that a cut costs",
        "A node that is cut off stays in the table until the hold time is over: nine seconds after it was last heard",
        "Until then its part of the requests is lost, and the rest is answered: of two ways about a half",
        "kube-vip itself, in BGP mode, announces the address from every node",
    ],
    "Put in place by cloud-init/kubeadm: the manifest lies there before kubeadm starts; the super-admin.conf pitfall": [
        "The manifest lies in /etc/kubernetes/manifests before kubeadm writes those of the control plane",
        "With admin.conf the first node is refused until kubeadm has given its group rights",
        "With super-admin.conf nobody is refused: not from the API server's first answer on",
        "super-admin.conf is on the first node only: a static Pod that mounts it doesn't start on the others",
        "On the first node kube-vip needs super-admin.conf: kubeadm goes on only when the shared address answers",
    ],
    "LoadBalancer Services by MetalLB, layer 2 and BGP": [
        "As long as nobody gives it one, a Service of type LoadBalancer has no address",
        "MetalLB's controller gives each an address of the pool that it wants",
        "Layer 2: one node, and no other, says on the wire that the address is at its interface",
        "An Event of the Service says which node that is",
        "BGP: each of the nodes announces the address, and the router knows a way by each",
        "From outside both lead to the Pod, by nodes on which it doesn't run",
    ],
}
WRONG = {
    "By the bare address it is right as well": "fails",
    "On the first node kube-vip needs super-admin.conf: kubeadm goes on only when the shared address answers": "fails",
    "When who holds the address is killed, the address is away until the Lease has run out": "fails",
    "Whoever is replaced gives the address up": "fails",
    "kube-vip itself, in BGP mode, announces the address from every node": "unknown",
}
"""Sentences that aren't true, or can't be told here, and stand there as such."""
PLACEHOLDERS = {"NETWORK", "SHARED", "AUTHORITY", "VIP", "BIRD", "METALLB-IMAGE", "LAB-NAMESPACE", "KUBE-VIP"}


def cells() -> str:
    notebook = json.loads((CHECKOUT / "notebooks" / "kube-vip.ipynb").read_text())
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")


# Its manifests.


def filled(name: str) -> list[dict[str, Any]]:
    """Return a manifest's objects, with something for each word that the lesson fills in."""
    text = (MANIFESTS / f"{name}.yaml").read_text()
    for word in sorted(PLACEHOLDERS, key=len, reverse=True):
        text = text.replace(word, {"NETWORK": "172.18.255", "SHARED": "172.18.255.200"}.get(word, word.lower()))
    return objects.load(text)


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_word_that_a_manifest_leaves_open_is_filled_in_by_the_lesson(path: Path) -> None:
    words = set(re.findall(r"(?<![\w-])(?:LAB-NAMESPACE|KUBE-VIP|METALLB-IMAGE|[A-Z]{3,})(?![\w-])", path.read_text()))
    plain = {"ALL", "ARP", "BGP", "BIRD", "API", "CNI", "RTS_BGP"}
    assert words - PLACEHOLDERS - plain == set()
    for word in words & PLACEHOLDERS:
        assert f'"{word}"' in cells(), word
    assert filled(path.stem)
    environment = re.findall(r"name: ([A-Z_]+), value", path.read_text())
    assert all(name in str(filled(path.stem)) for name in environment), "a word is part of a variable's name"


def test_who_is_outside_asks_the_address_that_the_nodes_share() -> None:
    pod = next(each for each in filled("outside") if each["kind"] == "Pod")
    args = {each["name"]: each.get("args", []) for each in pod["spec"]["containers"]}
    assert f"--url=https://172.18.255.{firstboot.LAST}:{firstboot.PORT}/version" in args["api"]
    assert f"--server-name={firstboot.NAME}" in args["api"] and f"--server-name={firstboot.NAME}" not in args["bare"]
    assert [each for each in args["kept"] if each not in args["api"]] == ["--keep"]
    assert pod["spec"]["hostPID"] and pod["spec"]["initContainers"][0]["securityContext"]["privileged"]
    assert pod["spec"]["nodeSelector"] == {"ingress-ready": "true"}, "a node that never has the address"


def test_nodes_and_router_agree_on_numbers() -> None:
    config = next(each for each in filled("outside") if each["kind"] == "ConfigMap")["data"]["bird.conf"]
    peer = next(each for each in filled("pools") if each["kind"] == "BGPPeer")["spec"]
    for port in (179, peer["peerPort"]):
        assert f"local port {port} as {peer['peerASN']};" in config
        assert f"neighbor range 0.0.0.0/0 port {port} as {peer['myASN']};" in config
    (bgp,) = filled("bgp")
    args = bgp["spec"]["containers"][0]["args"]
    assert f"--router={peer['peerAddress']}" in args and "--hold=9s" in args and peer["holdTime"] == "9s"
    source = (PARTS["vip"].source / "bgp.go").read_text()
    assert f'"as", {peer["myASN"]}' in source and f'"router-as", {peer["peerASN"]}' in source


def test_the_kinds_that_are_defined_refuse_no_field_and_are_those_that_pools_use() -> None:
    kinds = {each["spec"]["names"]["kind"]: each["spec"]["versions"] for each in filled("kinds")}
    for versions in kinds.values():
        assert [each["storage"] for each in versions].count(True) == 1
        for version in versions:
            assert version["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] is True
    for item in filled("pools"):
        assert item["apiVersion"].removeprefix("metallb.io/") in [each["name"] for each in kinds[item["kind"]]]


def test_static_pods_name_an_image_that_is_there_and_nothing_of_the_api() -> None:
    for path in [*firstboot.SOURCE.glob("*.yaml"), MANIFESTS / "bgp.yaml"]:
        (pod,) = yaml.safe_load_all(path.read_text())
        assert pod["metadata"]["namespace"] == "kube-system" and pod["spec"]["hostNetwork"] is True
        (container,) = pod["spec"]["containers"]
        assert container["imagePullPolicy"] == "Never"
        assert not {"serviceAccountName", "configMap"} & {*pod["spec"], *(str(pod["spec"].get("volumes")),)}


# What it reads.


def said(at: int, event: str, **more: Any) -> dict[str, Any]:
    return {"wall_ns": at, "mono_ns": at, "event": event, **more}


SECOND = 1_000_000_000
ARP = said(
    5 * SECOND,
    "arp",
    operation="reply",
    address="10.0.0.9",
    mac="02:00:00:00:00:01",
    target="10.0.0.9",
    gratuitous=True,
)


def test_what_is_said_on_the_wire_is_read_with_the_names_of_whose_interfaces_they_are() -> None:
    found = addresses.said(logs(ARP, "no JSON", said(6, "question", address="10.0.0.9")).logs, {ARP["mac"]: "one"})
    assert found[["operation", "address", "who", "gratuitous"]].values.tolist() == [["reply", "10.0.0.9", "one", True]]
    assert addresses.said(logs(ARP).logs)["who"].tolist() == [ARP["mac"]], "whose it is isn't known"
    assert judge(never(found, "who == 'two'"))[0] == "holds"
    none = addresses.said(logs("no JSON").logs)
    assert none.empty and {"at", "who", "gratuitous"} <= set(none.columns)


def test_ways_are_read_by_the_names_of_gateways() -> None:
    route = said(7 * SECOND, "route", address="192.0.2.10", ways=2, via=["10.0.0.3", "10.0.0.2"])
    found = addresses.ways(logs(route).logs, {"10.0.0.2": "two", "10.0.0.3": "three"})
    assert found[["address", "ways", "via"]].values.tolist() == [["192.0.2.10", 2, "three, two"]]


def test_a_nodes_log_is_read_behind_what_the_runtime_puts_before_each_line() -> None:
    lines = [
        said(2 * SECOND, "trial", file="/etc/kubernetes/admin.conf", said="forbidden", tries=3),
        said(1 * SECOND, "trial", file="/etc/kubernetes/admin.conf", said="no answer", tries=1),
        said(3 * SECOND, "address", what="added", address="10.0.0.9", interface="eth0"),
    ]
    text = "\n".join(f"2026-11-30T18:00:00.0Z stdout F {json.dumps(each)}" for each in lines)
    text += "\n2026-11-30T18:00:01.0Z stderr F E1130 leaderelection.go: error {not JSON}\n"
    assert addresses.trials(text)["said"].tolist() == ["no answer", "forbidden"]
    moved = addresses.moves(text)
    assert moved[["what", "interface"]].values.tolist() == [["added", "eth0"]]
    assert moved["at"].iloc[0] == pd.Timestamp(3, unit="s", tz="UTC")
    assert addresses.moves("").empty and list(addresses.trials("").columns) == ["at", "file", "said", "tries"]


def traffic(*requests: tuple[float, bool, str]) -> Frames:
    """When requests were sent (seconds), whether they were answered, and by whom."""
    lines = [
        said(
            int(at * SECOND),
            "asked",
            late_ns=0,
            took_ns=1000,
            status=200 if answered else 0,
            who=who,
            reused=False,
            error="" if answered else "timeout",
        )
        for at, answered, who in requests
    ]
    return logs(*lines)


def test_a_silence_is_from_an_answered_request_to_the_next_one() -> None:
    frames = traffic((1, True, "a"), (1.1, False, ""), (1.2, False, ""), (1.3, True, "b"), (1.4, True, "b"))
    found = addresses.silences(frames.traffic)
    assert found[["seconds", "lost", "before", "after"]].round(6).values.tolist() == [[0.3, 2, "a", "b"]]
    assert addresses.longest(frames.traffic) == pytest.approx(0.3)
    assert found.attrs["window"] == frames.traffic.attrs["window"]


def test_a_silence_that_has_not_ended_is_no_number() -> None:
    frames = traffic((1, True, "a"), (2, False, ""))
    assert addresses.silences(frames.traffic)["until_ns"].isna().all()
    assert math.isnan(addresses.longest(frames.traffic))
    assert not addresses.longest(frames.traffic) < 5 and not addresses.longest(frames.traffic) >= 4


def test_before_the_first_answer_and_without_a_loss_there_is_no_silence() -> None:
    assert addresses.longest(traffic((1, False, ""), (2, True, "a"), (3, True, "a")).traffic) == 0.0
    assert addresses.silences(traffic((1, True, "a")).traffic).empty


def test_holders_are_read_version_by_version(tmp_path: Path) -> None:
    recording = Recording.create(tmp_path / "rec", {})
    for number, (name, holder) in enumerate([("vip", "one"), ("other", "two"), ("vip", None), ("vip", "two")], 1):
        spec = {"leaseTransitions": number, "leaseDurationSeconds": 5, "renewTime": "2026-11-30T18:00:00.000000Z"}
        spec |= {"holderIdentity": holder, "acquireTime": "2026-11-30T18:00:00.500000Z"} if holder else {}
        about = {"name": name, "namespace": "kube-system", "resourceVersion": str(number), "uid": name}
        raw = json.dumps({"kind": "Lease", "metadata": about, "spec": spec}).encode()
        add(recording, raw, name, str(number))
    found = addresses.holders(recording, "vip")
    recording.close()
    assert found["holder"].tolist() == ["one", "", "two"] and found["transitions"].tolist() == [1, 3, 4]
    assert found["acquired"].isna().tolist() == [False, True, False]
    assert found["acquired"].iloc[0] == pd.Timestamp("2026-11-30T18:00:00.5Z")


def add(recording: Recording, raw: bytes, name: str, version: str) -> None:
    from kitlib.recording.row import Meta

    meta = Meta(name=name, namespace="kube-system", uid=name, resourceVersion=version)
    recording.add(
        raw,
        kind="Lease",
        api_version="coordination.k8s.io/v1",
        type="MODIFIED",
        origin="watch",
        stream="leases",
        meta=meta,
    )


def test_a_nodes_interface_is_known_by_its_own_address_not_by_the_shared_one() -> None:
    text = """3: eth0@if9: <BROADCAST,UP> mtu 1500
    link/ether 02:42:ac:12:00:03 brd ff:ff:ff:ff:ff:ff link-netnsid 0
    inet 172.18.0.3/16 brd 172.18.255.255 scope global eth0
    inet 172.18.255.200/32 scope global eth0"""
    assert addresses.interface(text) == {"address": "172.18.0.3", "mac": "02:42:ac:12:00:03", "network": "172.18.255"}
    assert addresses.interface("inet 10.89.3.7/24 brd 10.89.3.255")["network"] == "10.89.3"
