"""Which implementations of CRI, CNI and CSI a cluster has, read from objects that are written here."""

from __future__ import annotations

from typing import Any

from kitlib.lessons import interfaces


def node(runtime: str) -> dict[str, Any]:
    return {"metadata": {"name": "n"}, "status": {"nodeInfo": {"containerRuntimeVersion": runtime}}}


def daemonset(name: str, *paths: str) -> dict[str, Any]:
    volumes = [{"name": f"v{number}", "hostPath": {"path": path}} for number, path in enumerate(paths)]
    spec = {"volumes": [*volumes, {"name": "e", "emptyDir": {}}]} if paths else {}
    return {"metadata": {"name": name}, "spec": {"template": {"spec": spec}}}


def test_each_standard_has_a_row() -> None:
    nodes = [node("containerd://2.4.2"), node("cri-o://1.35.0"), node("containerd://2.4.2")]
    sets = [daemonset("kindnet", "/etc/cni/net.d"), daemonset("kube-proxy", "/lib/modules"), daemonset("plain")]
    found = interfaces.implementations(nodes, sets, [{"metadata": {"name": "hostpath.csi.k8s.io"}}])
    assert [row["standard"][-4:-1] for row in found] == ["CRI", "CNI", "CSI"]
    told = [row["implementation"] for row in found]
    assert told == ["containerd://2.4.2, cri-o://1.35.0", "kindnet", "hostpath.csi.k8s.io"]


def test_what_nothing_says_is_empty() -> None:
    found = interfaces.implementations([{"metadata": {}, "status": {}}], [daemonset("plain")], [])
    assert [row["implementation"] for row in found] == ["", "", ""]
