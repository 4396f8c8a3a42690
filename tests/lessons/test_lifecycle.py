"""The lifecycle notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from kitlib import objects
from tests.conftest import CHECKOUT

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "lifecycle"
LINES = {
    "The phase is a summary, one of exactly five; Unknown: on a lost node the phase stays, Ready turns Unknown": [
        "A Pod's phase is one of exactly five",
        "Pending, Running, Succeeded and Failed: each is some Pod's phase here",
        "On a lost node the phase stays as it was, and the node's condition Ready turns Unknown",
    ],
    "Pending includes scheduling and image download; Running: all containers have been created": [
        "Pending includes the search for a node: it has none, and stays so",
        "Pending includes the image's download, however long it takes",
        "An image that doesn't exist keeps a Pod Pending: ErrImagePull, then ImagePullBackOff",
        "Running comes only when all containers have been created",
        "Running means that a container runs",
    ],
    "Conditions, their order over time, their values; types that are newer": [
        "A Pod is scheduled, initialized, then its containers are ready: that write makes it Ready if it has no gates",
        "Unschedulable is a condition",
        "There are types that the note doesn't know: PodReadyToStartContainers, and DisruptionTarget at an eviction",
        "A condition is True, False or Unknown",
    ],
    "Four handlers, each as startup, readiness and liveness; what each takes for success": [
        "Command, HTTP, TCP and gRPC: each works as startup, as readiness and as liveness probe",
        "A command that ends with an error fails its probe, and so does a TCP port that is closed",
        "By HTTP, 200 ≤ status < 400 is success",
    ],
    "Three outcomes: Success, Failure, Unknown (no action taken)": [
        "A probe has three outcomes: Success, Failure and Unknown",
        "Unknown has no consequence: the container isn't killed, though its liveness probe may fail only once",
    ],
    "Liveness failing: the kubelet kills, the restart policy decides; without the probe: Success": [
        "Without probes a container counts as alive and ready, whatever it would answer",
        "When liveness fails the kubelet kills the container, and restartPolicy decides: "
        "with Never it isn't started again",
    ],
    "Readiness failing: out of every Service's endpoints, back after; before the initial delay Failure; traffic": [
        "An unready Pod stays listed in the EndpointSlices of every Service that selects it, with ready false",
        "It is ready in them again after the Pod has become ready",
        "A Pod that isn't ready any more answers requests until the kubelet has asked it often enough",
        "After the slice says so no request reaches it, but for the time until each node has heard",
        "Readiness is Failure until the first probe passes, and that comes after initialDelaySeconds",
    ],
    "The startup probe holds back the others; thresholds and periods, predicted and measured": [
        "Until the startup probe has passed, no other is asked",
        "Once it has passed, it is asked no more",
        "A startup probe that fails as often as its threshold kills the container",
        "The kubelet acts on the failure that makes the row as long as failureThreshold, not on one before or after",
        "Liveness acts after period × failureThreshold, give or take a period and, without an answer, the time-out",
    ],
    "restartPolicy × exit code; restart rules; CrashLoopBackOff: doubled, capped, reset; OOMKilled": [
        "Always restarts after every end, OnFailure after a failure, Never not at all",
        "A container's own rule can name exit codes after which it is restarted, under a Pod's Never",
        "A container that takes more memory than its limit is killed: OOMKilled, exit 137",
        "From the second restart on the kubelet waits, ten seconds at first, then twice as long each time, up to a cap",
        "The first restart doesn't wait: there is no CrashLoopBackOff before it",
        "The cap is what the kubelet's maxContainerRestartPeriod says",
        "The delay is reset when a container has run for ten minutes",
    ],
    "Termination: deletionTimestamp, grace period, SIGTERM, SIGKILL, endpoints leave first; readiness gates": [
        "deletionTimestamp lies in the future, by the grace period",
        "A killed container exits with 137 (128 + 9); one that heeds SIGTERM with its own code, here 143 (128 + 15)",
        "SIGTERM comes first, SIGKILL when the grace period is over",
        "While the Pod ends its endpoint isn't ready, but terminating, and still serving",
        "The endpoint is no longer ready when the container ends",
        "Nothing waits for the endpoint to leave: SIGTERM comes while it is still listed",
        "With a readiness gate a Pod is Ready only when its gate's condition is True, too",
    ],
}
WRONG = {
    "On a lost node the phase stays as it was, and the node's condition Ready turns Unknown": "unknown",
    "Running means that a container runs": "fails",
    "Unschedulable is a condition": "fails",
    "The delay is reset when a container has run for ten minutes": "unknown",
}
"""Sentences that aren't true, and stand there as such, and those that this lesson can't tell."""


def containers() -> dict[str, dict]:
    """Each container of the manifests, by Pod and name."""
    pods = [item for path in MANIFESTS.glob("*.yaml") for item in objects.load(path) if item["kind"] == "Pod"]
    return {f"{pod['metadata']['name']}/{each['name']}": each for pod in pods for each in pod["spec"]["containers"]}


def test_each_handler_is_there_as_each_kind_of_probe():
    found = containers()
    for handler, field in (("exec", "exec"), ("http", "httpGet"), ("tcp", "tcpSocket"), ("grpc", "grpc")):
        for kind in ("startup", "readiness", "liveness"):
            mine = found[f"{handler}/{kind}"]
            assert field in mine[f"{kind}Probe"]
            assert [name for name in mine if name.endswith("Probe")] == [f"{kind}Probe"]


def test_no_probe_fails_because_the_machine_has_much_to_do():
    """Where a time-out isn't the lesson it is longer than the second that is the default."""
    for name, each in containers().items():
        for kind in ("startup", "readiness", "liveness"):
            probe = each.get(f"{kind}Probe")
            if probe and not name.startswith(("thresholds/too-slow", "no-answer/")):
                assert probe["timeoutSeconds"] >= 5, name
