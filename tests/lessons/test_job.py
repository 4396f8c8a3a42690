"""The Job notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "job"
LINES = {
    "One-off work: n Pods succeed; completions x parallelism, at most parallelism active; default 1 and 1": [
        "A Job ensures that the wanted number of Pods succeed: then it is Complete",
        "At every moment at most `parallelism` of its Pods are active",
        "As many are active as may be",
        "No more are made than are still lacking: after three of four, one",
        "By default both are 1: one Pod, which must succeed",
    ],
    "restartPolicy Never or OnFailure, Always rejected; what each does to Pods and counts on failure": [
        "A Job's Pods have restartPolicy Never or OnFailure: Always is refused",
        "With Never a failed Pod stays as it is, and the Job makes another: as many as backoffLimit after the first",
        "With OnFailure the container is started again in the same Pod",
        "When the Job gives up, that Pod is deleted, and its logs with it",
        "Never: each failed Pod counts towards backoffLimit",
        "OnFailure: each restart of a container counts towards backoffLimit",
    ],
    "activeDeadlineSeconds, backoffLimit and the back-off between retries": [
        "activeDeadlineSeconds bounds the retries of failed Pods: work that doesn't fail is left alone",
        "activeDeadlineSeconds counts from the start of the Job, not from a failure",
        "At the deadline all its Pods are ended, also those that work",
        "The deadline comes before backoffLimit: no retry is made after it, although six are left",
        "FailureTarget says at once that the Job fails; it is Failed when its Pods have ended",
        "By default a Job retries six times",
        "The back-off between retries is at least 10 seconds at first, and doubles",
        "The first retry waits, too: for 10 seconds",
    ],
    "A bare Pod isn't replaced when its node is lost or restarts; a Job makes a new one": [
        "A Job replaces a Pod whose node is lost, on another node, while the old one is still Terminating",
        "A bare Pod isn't replaced when its node is lost",
        "When the node is back, a Job makes another Pod for the one that had ended with it, and counts a failure",
        "A bare Pod doesn't start again when its node has restarted",
        "With Never it has Failed then, and nobody makes another",
        "With podReplacementPolicy Failed a Job waits until the old Pod has really ended",
    ],
    "Indexed completion, podFailurePolicy, successPolicy, suspend, ttlSecondsAfterFinished, backoffLimitPerIndex": [
        "An indexed Job's Pods have the numbers from 0 on, and each number succeeds exactly once",
        "With backoffLimitPerIndex the other indexes have their turn although one has failed; then the Job is Failed",
        "A podFailurePolicy can end a Job at an exit code, whatever backoffLimit leaves: one Pod, no other try",
        "A podFailurePolicy can leave out what is no fault of the work: a lost node doesn't count towards backoffLimit",
        "With a successPolicy a Job is Complete as soon as those have succeeded that it names",
        "Then its other Pods are ended: none of them succeeds",
        "A Job that is suspended when it is made makes no Pod",
        "Suspending it ends its active Pods, and going on makes new ones",
        "Pods that are ended by that are no failures",
        "Each time it goes on its startTime is set anew, and with it its deadline",
        "ttlSecondsAfterFinished deletes a Job when it has been finished for so long",
        "Its Pods go with it; a Job without that setting stays",
    ],
}
WRONG = {
    "activeDeadlineSeconds bounds the retries of failed Pods: work that doesn't fail is left alone": "fails",
    "A bare Pod doesn't start again when its node has restarted": "fails",
    "The first retry waits, too: for 10 seconds": {"1.17": "fails", "1.37": "changed"},
}
"""Sentences that aren't true, or not on each version, and stand there as such."""


def manifests() -> dict[str, dict]:
    """Each object that the lesson applies, by kind and name."""
    return {name: item["spec"] for name, item in by_name(MANIFESTS).items()}


def test_the_least_job_names_neither_completions_nor_parallelism():
    assert set(manifests()["Job/one"]) == {"template"}


def test_the_two_that_fail_differ_in_restartPolicy_alone():
    never, again = (manifests()[f"Job/{name}"] for name in ("never", "on-failure"))
    assert {each["template"]["spec"].pop("restartPolicy") for each in (never, again)} == {"Never", "OnFailure"}
    assert never == again


def test_no_pod_ends_slowly_for_nothing():
    for name, spec in manifests().items():
        pod = spec.get("template", {}).get("spec", spec)
        long = [each for item in pod["containers"] for each in item.get("env", ()) if each["value"] == "600s"]
        assert not long or pod.get("terminationGracePeriodSeconds") == 1, name
