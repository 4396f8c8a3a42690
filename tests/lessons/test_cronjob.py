"""The CronJob notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from kitlib import objects
from tests.conftest import CHECKOUT

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "cronjob"
LINES = {
    "Creates Jobs at times; the five fields, time zone; the real delay over at least 20 firings": [
        "The schedule's five fields are minute, hour, day of the month, month, day of the week",
        "timeZone says by which clock a schedule is meant",
        "A time zone that there isn't is refused, and so is one within the schedule",
        "A CronJob makes its Job at the full minute, not before",
        "It makes it within the minute",
    ],
    "startingDeadlineSeconds: none by default, a missed start; more than 100 missed; less than 10 s": [
        "By default there is no startingDeadlineSeconds: a missed run is made up for, however late",
        "Within startingDeadlineSeconds, too",
        "A run that has missed its deadline is skipped: there is no Job for it",
        "It counts as failed",
        "A CronJob that has missed more than 100 starts makes no Job any more",
        "Of more than 100 missed starts an Event warns",
        "With a startingDeadlineSeconds below 10 a CronJob may never run: its controller looks every 10 seconds",
    ],
    "Allow, Forbid, Replace with work longer than the period; only within one CronJob": [
        "Allow, the default, has a second Job beside one that isn't finished",
        "Forbid leaves a run out while another one isn't finished",
        "Replace deletes the Job that isn't finished, and makes another",
        "A policy holds within one CronJob: another one's Jobs are at work at the same time",
    ],
    "suspend stops later runs, not running ones; what becomes of missed ones": [
        "A CronJob that is suspended makes no Jobs; by default it isn't",
        "Suspending a CronJob doesn't stop the Job that is at work",
        "What was missed meanwhile is made up for as soon as it goes on, if there is no deadline",
    ],
    "History limits 3 and 1 by default; 0 keeps none": [
        "By default the last three Complete Jobs and the last Failed one are kept",
        "With a limit of 0 none is kept",
    ],
    "kubectl run --schedule; batch/v2alpha1, v1beta1, v1": [
        "kubectl run --schedule makes a CronJob",
        "A CronJob needs the API batch/v2alpha1",
        "CronJobs are served as batch/v1beta1",
        "CronJobs are served as batch/v1",
    ],
    "About one Job each time; the name that keeps two from appearing; a controller that restarts": [
        "Jobs for the same time have the same number in their names",
        "A Job's name is its CronJob's, and the minute that it is for: whoever makes it gives it the same",
        "A run that somebody has made already isn't made twice",
        "About one Job is made for each time: here, where nothing failed, exactly one",
        "A controller that is killed and comes back makes each run once, and loses none",
    ],
    "The CronJob never looks at the Pods; deletion with and without orphans": [
        "The Pods belong to the Job, and the Job to the CronJob",
        "A CronJob never looks at Pods: when one fails its Job counts that, and the CronJob isn't touched",
        "Deleting a CronJob deletes its Jobs",
        "With --cascade=orphan its Job stays, is nobody's, and goes on",
    ],
}
WRONG = {
    "It counts as failed": "fails",
    "A CronJob that has missed more than 100 starts makes no Job any more": "changed",
    "With a startingDeadlineSeconds below 10 a CronJob may never run: its controller looks every 10 seconds": "changed",
    "kubectl run --schedule makes a CronJob": "changed",
    "A CronJob needs the API batch/v2alpha1": "fails",
    "CronJobs are served as batch/v1beta1": "changed",
    "CronJobs are served as batch/v1": {"1.17": "fails", "1.37": "changed"},
}
"""Sentences that aren't true, or not on each version, and stand there as such."""


def specs(pattern: str) -> dict[str, dict]:
    """Each CronJob's spec, by name."""
    return {item["metadata"]["name"]: item["spec"] for path in MANIFESTS.glob(pattern) for item in objects.load(path)}


def test_both_versions_are_asked_the_same():
    for file in ("missed", "history"):
        assert specs(f"1.17/{file}.yaml") == specs(f"1.37/{file}.yaml")
        kinds = [item["apiVersion"] for item in objects.load(MANIFESTS / "1.17" / f"{file}.yaml")]
        assert set(kinds) == {"batch/v1beta1"}


def test_the_four_with_long_work_differ_in_their_policies_alone():
    found = specs("policies.yaml")
    assert {name: spec.pop("concurrencyPolicy") for name, spec in found.items()} == {
        "allow": "Allow",
        "forbid": "Forbid",
        "replace": "Replace",
        "other": "Forbid",
    }
    assert all(spec == found["allow"] for spec in found.values())


def test_what_is_said_to_be_the_default_is_not_set():
    asleep, kept = specs("later.yaml")["asleep"], specs("1.37/history.yaml")["kept-by-default"]
    assert not {"concurrencyPolicy", "startingDeadlineSeconds"} & set(asleep)
    assert not {"successfulJobsHistoryLimit", "failedJobsHistoryLimit"} & set(kept)
    assert "suspend" not in specs("later.yaml")["stopped"]
