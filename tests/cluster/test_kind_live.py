"""A kind cluster: containers run, probes act, names resolve, volumes stay, nodes can be lost and come back."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import yaml

from kitlib import cluster as clusters
from kitlib.cluster import Cluster, record
from kitlib.cluster.kind import engines
from kitlib.cluster.readiness import is_ready
from kitlib.errors import BuildError, UsageError
from kitlib.machine.airgap import engine, nodeload
from kitlib.machine.programs import nodeprograms
from tests.machine.airgap import machine

pytestmark = [pytest.mark.kind, pytest.mark.slow]
SPACE = "test-kind"


class Kubectl:
    """Runs kubectl on the cluster, as a reader would."""

    def __init__(self, cluster: Cluster) -> None:
        self.program = nodeprograms.make(progress=False) / "kubectl"
        self.cluster = cluster

    def __call__(self, *words: str, stdin: str = "", check: bool = True, patience: float = 60) -> str:
        done = subprocess.run(
            [self.program, "--kubeconfig", self.cluster.kubeconfig, "--namespace", SPACE, *words],
            capture_output=True,
            text=True,
            input=stdin,
            timeout=patience,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(words)}: {done.stderr}")
        return done.stdout if check else done.stdout + done.stderr

    def apply(self, *objects: dict) -> None:
        self("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def until(self, what: str, true: Callable[[], bool], patience: float = 60) -> float:
        """Ask again until it is so; return how long it took."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > patience:
                pytest.fail(
                    f"{what}: not within {patience:.0f} s\n{self('get', 'pods,events', '-A', check=False)[-3000:]}"
                )
            time.sleep(0.2)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def kubectl(kind: Cluster) -> Iterator[Kubectl]:
    """kubectl, and a namespace of its own."""
    run = Kubectl(kind)
    run("create", "namespace", SPACE)
    yield run
    run("delete", "namespace", SPACE, "--wait=false", check=False)


def pod(
    name: str, image: str = "localhost/probe:local", labels: dict | None = None, spec: dict | None = None, **container
) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": image, **container}],
            **(spec or {}),
        },
    }


def fetched(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def test_three_nodes_are_ready_and_real(kind: Cluster) -> None:
    assert (kind.name, kind.provider, kind.runs_containers, kind.node_count) == ("kind-1.37", "kind", True, 3)
    assert kind.release.startswith("v1.37.")
    items = kind.connect().get("/api/v1/nodes")["items"]
    roles = ["node-role.kubernetes.io/control-plane" in item["metadata"]["labels"] for item in items]
    assert sorted(roles) == [False, False, True]
    assert all(item["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://") for item in items)


def test_up_finds_it_again(kind: Cluster) -> None:
    began = time.monotonic()
    assert clusters.up("kind", progress=False) == kind
    assert time.monotonic() - began < 5
    assert clusters.find("kind-1.37") == kind
    assert clusters.status("kind-1.37")["nodes"] == dict.fromkeys(record.load("kind-1.37")[1]["nodes"], "running")


def test_only_its_owner_may_read_the_kubeconfig(kind: Cluster) -> None:
    assert kind.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(kind.kubeconfig.read_text())["clusters"][0]["cluster"]["server"].startswith(
        "https://127.0.0.1:"
    )


def test_everything_that_is_published_is_on_the_loopback_address(kind: Cluster) -> None:
    client = engines.from_record(record.load(kind.name)[1])
    said = client.run("ps", "--format", "{{.Ports}}", step="look")
    published = [each.strip() for line in said.splitlines() for each in line.split(",") if "->" in each]
    assert len(published) == 3
    assert all(each.startswith("127.0.0.1:") for each in published)


def test_probes_act_and_names_resolve(kubectl: Kubectl) -> None:
    get = {"httpGet": {"path": "/healthz/readiness", "port": 8080}, "periodSeconds": 1}
    template = pod(
        "web", labels={"app": "web"}, image="web:2.0", readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    )
    assert get  # the probe's own handlers have tests of their own
    kubectl.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": template["spec"]},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        },
        pod("client", image="localhost/busybox:local", command=["sleep", "3600"]),
        pod(
            "sick",
            image="localhost/busybox:local",
            command=["sleep", "3600"],
            livenessProbe={"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 2},
        ),
    )
    kubectl("rollout", "status", "deployment/web", "--timeout=60s", patience=70)
    nodes = set(kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.nodeName}").split())
    assert len(nodes) == 2, "its Pods run on both workers"
    kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=30s")
    kubectl.until(
        "a Service answers by name",
        lambda: "2.0" in kubectl("exec", "client", "--", "wget", "-qO-", "http://web", check=False),
    )
    kubectl.until(
        "a failing liveness probe restarts its container",
        lambda: (
            int(kubectl("get", "pod", "sick", "-o", "jsonpath={.status.containerStatuses[0].restartCount}") or 0) >= 1
        ),
    )


def test_an_image_that_is_not_there_fails_at_once_by_name(kubectl: Kubectl) -> None:
    kubectl.apply(pod("lost", image="no-such-image:1"))
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
    took = kubectl.until("the pull fails", lambda: "Pull" in kubectl("get", "pod", "lost", "-o", reason), 20)
    assert took < 15
    assert "no-such-image:1" in kubectl("get", "events", "--field-selector", "involvedObject.name=lost")


def test_a_volume_keeps_what_the_last_pod_wrote(kubectl: Kubectl) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    mounts = {
        "volumeMounts": [{"name": "v", "mountPath": "/data"}],
        "command": ["sh", "-c", "echo $HOSTNAME >>/data/log; sleep 3600"],
    }
    spec = {
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
        "securityContext": {"runAsUser": 1000},
    }
    kubectl.apply(claim, pod("first", image="localhost/busybox:local", spec=spec, **mounts))
    kubectl("wait", "--for=condition=Ready", "pod/first", "--timeout=40s")
    kubectl("delete", "pod", "first", "--grace-period=1")
    kubectl.apply(pod("second", image="localhost/busybox:local", spec=spec, **mounts))
    kubectl("wait", "--for=condition=Ready", "pod/second", "--timeout=40s")
    assert kubectl("exec", "second", "--", "cat", "/data/log").split() == ["first", "second"]
    volume = kubectl("get", "pvc", "data", "-o", "jsonpath={.spec.volumeName}")
    kubectl("delete", "pod/second", "pvc/data", "--grace-period=1")
    kubectl.until("the volume goes with its claim", lambda: not kubectl("get", "pv", volume, "--ignore-not-found"))


def test_an_ingress_port_is_reached_on_this_machine(kind: Cluster, kubectl: Kubectl) -> None:
    on = {"nodeSelector": {"ingress-ready": "true"}}
    kubectl.apply(pod("edge", spec=on, ports=[{"containerPort": 8080, "hostPort": 80}]))
    kubectl("wait", "--for=condition=Ready", "pod/edge", "--timeout=30s")
    url = f"http://127.0.0.1:{record.load(kind.name)[1]['ports']['http']}/"
    kubectl.until("it answers", lambda: fetched(url)[0] == 200, 20)


@pytest.fixture
def own(kind: Cluster) -> engine.Own:
    """kitlib's own engine, if that is what the cluster runs on."""
    found = engine.find()
    if found is None:
        pytest.skip("the cluster runs on an engine of this machine, not on kitlib's own")
    return found


def test_containers_reach_nothing_beyond_the_engine(own: engine.Own, kubectl: Kubectl) -> None:
    outside = [
        line.split()[3].split("/")[0] for line in machine.words("ip", "-o", "-4", "address", "show", "scope", "global")
    ]
    if not outside:
        pytest.skip("this machine has no address that could be reached: connect it to a network")
    said = kubectl("exec", "client", "--", "wget", "-qO-", f"http://{outside[0]}:22/", check=False, patience=30)
    assert "unreachable" in said or "refused" in said


def test_a_node_is_added_and_removed(kind: Cluster) -> None:
    assert clusters.scale_nodes(kind, 4).node_count == 4
    assert clusters.find(kind.name).node_count == 4
    assert clusters.scale_nodes(kind, 3).node_count == 3
    with pytest.raises(UsageError, match="use 2 or more"):
        clusters.scale_nodes(kind, 1)


def test_nodes_are_lost_and_come_back(kind: Cluster, kubectl: Kubectl) -> None:
    first, second = sorted(node for node in record.load(kind.name)[1]["nodes"] if "worker" in node)
    clusters.stop_node(kind, first)
    clusters.cut_off_node(kind, second)

    def ready() -> dict[str, bool]:
        return {
            item["metadata"]["name"]: is_ready(item)
            for item in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
        }

    took = kubectl.until("both are lost", lambda: not any(ready()[node] for node in (first, second)), 90)
    assert took > 5, "the control plane waits for a while before it gives a node up"
    clusters.start_node(kind, first)
    clusters.reconnect_node(kind, second)
    kubectl.until("both are back", lambda: all(ready().values()), 60)
    with pytest.raises(UsageError, match=r"no node 'nobody'.*\n.*worker"):
        clusters.stop_node(kind, "nobody")


def test_up_brings_back_what_a_notebook_left_stopped(kind: Cluster) -> None:
    worker = next(node for node in record.load(kind.name)[1]["nodes"] if "worker" in node)
    clusters.stop_node(kind, worker)
    assert clusters.find(kind.name) == kind, "a notebook that lost a node goes on"
    assert clusters.up("kind", progress=False) == kind
    assert set(clusters.status(kind.name)["nodes"].values()) == {"running"}


def test_docker_publishes_on_the_loopback_address_only(own: engine.Own) -> None:
    image = nodeload.into_own(own, progress=False)
    try:
        with pytest.raises(BuildError, match="only tcp on 127"):
            engine.docker(own, "run", "--detach", "--publish", "18080:80", "--entrypoint", "sleep", image, "60")
    finally:
        if there := engine.docker(own, "ps", "--all", "--quiet", "--filter", "status=created").split():
            engine.docker(own, "rm", "--force", *there)
