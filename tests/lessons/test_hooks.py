"""The hooks notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

import pytest

from kitlib import objects, plots
from tests.conftest import CHECKOUT
from tests.lessons.replay import Replay, expectations
from tests.plots.test_legible import check

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "hooks"
LINES = {
    "Two handler kinds, exec and HTTP, and sleep; each container of a Pod has its own": [
        "A hook's handler is a command in the container (exec) or a request (HTTP)",
        "There is no third kind of handler",
        "sleep is a handler as well: Running comes three seconds after the process",
        "Each container of a Pod has hooks of its own, of whichever kind",
        "A container's postStart hook holds back the containers that are listed after it",
        "Each container's own preStop hook is carried out, of whichever kind it is",
        "An init container has no hooks, unless it is a sidecar",
        "A preStop sleep that is longer than the grace period is refused when the Pod is created",
        "The server accepts tcpSocket as a handler, and the kubelet doesn't implement it: the hook fails",
    ],
    "postStart runs after creation, not certainly before ENTRYPOINT; the application is not held back, Running is": [
        "postStart runs after the container has been created and started",
        "The kubelet keeps the application from starting until postStart is done",
        "The state becomes Running only when postStart is done",
        "postStart doesn't wait for the application: `slow` takes six seconds to listen, and its hook comes before",
        "startedAt tells when the process started, not when the state became Running",
        "Probes wait for postStart, too",
    ],
    "preStop blocks before SIGTERM, counts against the grace period, and is for graceful release": [
        "preStop blocks: SIGTERM is sent when the hook is done",
        "sleep blocks as well: SIGTERM comes three seconds after the deletion",
        "Without a hook SIGTERM comes at once",
        "preStop's time counts: a hook of 10 s in a grace period of 12 s leaves 2 s until SIGKILL",
        "A preStop hook that hangs is given up when the grace period is over: SIGTERM comes then",
        "Even then two seconds follow SIGTERM: a process that obeys it ends by itself (143), another is killed (137)",
        "The grace period is 30 seconds unless you say otherwise",
        "A server that waits before SIGTERM, and then drains, leaves without losing a request",
        "One that ends at SIGTERM loses those that it was answering",
        "While preStop runs the server goes on answering",
    ],
    "A failed hook kills the container": [
        "A postStart hook that fails kills its container",
        "Its preStop hook is carried out before",
        "The restart policy decides what comes then: Always starts it again, Never leaves it",
        "An HTTP hook that is answered with an error status fails",
        "An HTTP hook that isn't answered at all does fail",
        "A container whose preStop hook fails is killed for it",
        "SIGTERM follows a failed preStop hook as it follows one that is done",
    ],
    "Calls of hooks aren't in the Pod's events, failures are, also in describe": [
        "A hook that is done leaves no Event",
        "A postStart hook that fails is reported by an Event FailedPostStartHook",
        "A preStop hook that fails is reported by an Event FailedPreStopHook",
        "`kubectl describe` shows it",
        "Only `describe` shows it",
        "The Event doesn't tell why the hook failed",
        "The container's status does: PostStartHookError, with what the hook wrote",
    ],
    "At least once; a hanging postStart keeps from Running; no preStop when the container ends by itself": [
        "A hook may be called more than once: here a kubelet began, and the next one called it again",
        "While its postStart hook hangs a container never becomes Running",
        "No Event reports it: the last one before the end says that the container was started",
        "Its Pod goes when the grace period of four seconds is over",
        "A container that ends by itself gets no preStop, whether it has succeeded or failed",
        "One that the kubelet ends does, for a failed liveness probe, too",
    ],
}
WRONG = {
    "There is no third kind of handler",
    "The kubelet keeps the application from starting until postStart is done",
    "An HTTP hook that is answered with an error status fails",
    "A container whose preStop hook fails is killed for it",
    "Only `describe` shows it",
    "Its Pod goes when the grace period of four seconds is over",
}
"""Sentences that are known to be wrong, and stand there as such."""


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The notebook's claims, each with the verdict that it expects."""
    return expectations("hooks")


def test_every_line_of_the_catalogue_is_tested(made):
    listed = [text for texts in LINES.values() for text in texts]
    assert len(listed) == len(set(listed))
    assert sorted(made) == sorted(listed)


def test_what_is_wrong_is_expected_to_fail(made):
    assert {text for text, expected in made.items() if expected == "fails"} == WRONG
    assert {expected for text, expected in made.items() if text not in WRONG} == {"holds"}


def test_no_wait_is_longer_than_a_lesson_can_bear():
    """Grace periods are shortened where somebody would wait for their end; only hooks that hang take longer."""
    for path in MANIFESTS.glob("*.yaml"):
        for item in objects.load(path):
            spec = item["spec"] if item["kind"] == "Pod" else {}
            hooks = [each.get("lifecycle", {}) for each in spec.get("containers", ())]
            if "1h" in str(hooks):
                assert spec["terminationGracePeriodSeconds"] <= 4, path


def test_its_figures_are_legible(tmp_path):
    replay = Replay(CHECKOUT / "recordings" / "hooks", tmp_path / "claims.json").run()
    drawn = [figure for figure in replay.figures if "hook" in plots.twin(figure) or "request" in plots.twin(figure)]
    assert len(drawn) == len(replay.figures) == 6
    for figure in drawn:
        check(figure)
