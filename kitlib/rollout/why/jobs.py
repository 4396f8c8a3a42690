"""Why a Job gave up or doesn't begin, and why a CronJob makes no Job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from kitlib.rollout.fields import number, stamp, text
from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.containers import containers
from kitlib.rollout.why.objects import EVER, Event, Object, newest
from kitlib.rollout.why.world import World

_JOB = "concepts/workloads/controllers/job/"
_CRON = "concepts/workloads/controllers/cron-jobs/"
CAUSES = (
    Cause(
        "job-backoff",
        "Failed: BackoffLimitExceeded",
        "{who} gave up: {failed} of its Pods failed, and its backoffLimit is {limit}{counted}{last}",
        "kubectl -n {ns} logs -l batch.kubernetes.io/job-name={name} --prefix",
        _JOB + "#pod-backoff-failure-policy",
    ),
    Cause(
        "job-deadline",
        "Failed: DeadlineExceeded",
        "{who} was ended: it ran for longer than its activeDeadlineSeconds ({limit} s)",
        "kubectl -n {ns} describe job {name}",
        _JOB + "#job-termination-and-cleanup",
    ),
    Cause(
        "job-policy",
        "Failed: PodFailurePolicy, FailedIndexes, MaxFailedIndexesExceeded",
        "{who} was ended by its rules about failures: {said}{last}",
        "kubectl -n {ns} describe job {name}",
        _JOB + "#pod-failure-policy",
    ),
    Cause(
        "job-suspended",
        "Suspended is True",
        "{who} doesn't run: it is suspended",
        'kubectl -n {ns} patch job {name} -p \'{{"spec":{{"suspend":false}}}}\'',
        _JOB + "#suspending-a-job",
    ),
    Cause(
        "cron-suspended",
        "spec.suspend is true",
        "{who} makes no Jobs: it is suspended",
        'kubectl -n {ns} patch cronjob {name} -p \'{{"spec":{{"suspend":false}}}}\'',
        _CRON + "#schedule-suspension",
    ),
    Cause(
        "cron-missed",
        "MissSchedule, TooManyMissedTimes",
        "{who} missed its time: {said}",
        "kubectl -n {ns} describe cronjob {name}",
        _CRON + "#starting-deadline",
    ),
    Cause(
        "cron-forbidden",
        "JobAlreadyActive, concurrencyPolicy Forbid",
        "{who} makes no new Job while one is active (concurrencyPolicy Forbid): {job} is not over",
        "kubectl -n {ns} describe job {job}",
        _CRON + "#concurrency-policy",
    ),
    Cause(
        "cron-schedule",
        "UnparseableCronJobSchedule, UnknownTimeZone, InvalidSchedule",
        "{who} makes no Jobs: its schedule can't be read: {said}",
        "kubectl -n {ns} get cronjob {name} -o jsonpath='{{.spec.schedule}} {{.spec.timeZone}}'",
        _CRON + "#schedule-syntax",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
_MISSED = ("MissSchedule", "TooManyMissedTimes", "FailedNeedsStart")
_UNREADABLE = ("UnparseableCronJobSchedule", "UnknownTimeZone", "InvalidSchedule")


def find(world: World, job: Object) -> Iterator[Finding]:
    """Look for why a Job gave up, or doesn't begin."""
    failed = job.condition("Failed")
    if text(failed, "status") != "True":
        failed = job.condition("FailureTarget")
    reason = text(failed, "reason")
    rows = [Row.condition_of(job, text(failed, "type"))] if failed else []
    if text(failed, "status") == "True":
        last, more, below = _last(world, job)
        values = {"failed": job.number("status", "failed"), "said": text(failed, "message"), "last": last}
        if reason == "BackoffLimitExceeded":
            values["limit"] = job.number("spec", "backoffLimit", default=6)
            policy = job.text("spec", "template", "spec", "restartPolicy")
            values["counted"] = " (restarts of containers count, too)" if policy == "OnFailure" else ""
            rows += [Row.field_of(job, "status.failed"), Row.field_of(job, "spec.backoffLimit"), *more]
            yield Finding(_CAUSES["job-backoff"], job, CERTAIN, values, rows, below)
        elif reason == "DeadlineExceeded":
            values["limit"] = job.number("spec", "activeDeadlineSeconds")
            rows += [Row.field_of(job, "spec.activeDeadlineSeconds")]
            yield Finding(_CAUSES["job-deadline"], job, CERTAIN, values, rows)
        else:
            yield Finding(_CAUSES["job-policy"], job, CERTAIN, values, rows + more, below)
    elif job.at("spec", "suspend") is True:
        yield Finding(_CAUSES["job-suspended"], job, CERTAIN, {}, [Row.field_of(job, "spec.suspend")])


def _last(world: World, job: Object) -> tuple[str, list[Row], list[str]]:
    """Say how the last failed Pod of a Job ended, what shows it, and how the chain goes on."""
    failed = [each for each in world.owned(job, "Pod") if each.text("status", "phase") == "Failed"]
    for pod in sorted(failed, key=lambda each: each.text("metadata", "creationTimestamp"), reverse=True):
        for one in containers(pod):
            code = number(one.ended, "exitCode")
            if code:
                why = text(one.ended, "reason")
                said = f"; the last one ended with exit code {code}" + (f" ({why})" if why not in ("", "Error") else "")
                row = Row.field_of(pod, one.ended_path, f"exitCode {code}, {why}".rstrip(", "))
                return said, [row], [pod.ref, f"container {one.name}"]
        if said := pod.text("status", "reason"):
            return f"; the last one: {said}", [Row.field_of(pod, "status.reason")], [pod.ref]
    return "", [], []


def find_cron(world: World, cron: Object) -> Iterator[Finding]:
    """Look for why a CronJob makes no Job."""
    if cron.at("spec", "suspend") is True:
        yield Finding(_CAUSES["cron-suspended"], cron, CERTAIN, {}, [Row.field_of(cron, "spec.suspend")])
        return
    since = stamp(cron.body, "status", "lastScheduleTime") or EVER
    unread = newest(world.events(cron, *_UNREADABLE))
    if unread is not None and unread.last > since:
        rows = [Row.event_of(unread), Row.field_of(cron, "spec.schedule")]
        yield Finding(_CAUSES["cron-schedule"], cron, CERTAIN, {"said": unread.message}, rows)
    missed = newest(world.events(cron, *_MISSED))
    if missed is not None and _since(missed, since):
        rows = [Row.event_of(missed), Row.field_of(cron, "spec.startingDeadlineSeconds")]
        yield Finding(_CAUSES["cron-missed"], cron, CERTAIN, {"said": missed.message}, rows)
    forbid = cron.text("spec", "concurrencyPolicy") == "Forbid"
    active = [text(each, "name") for each in cron.items("status", "active")]
    told = newest(world.events(cron, "JobAlreadyActive"))
    if forbid and active and ((told is not None and _since(told, since)) or not world.sees("Event")):
        rows = [Row.field_of(cron, "spec.concurrencyPolicy"), Row.field_of(cron, "status.active", ", ".join(active))]
        rows += [Row.event_of(told)] if told else []
        values = {"job": active[0]}
        yield Finding(_CAUSES["cron-forbidden"], cron, CERTAIN if told else LIKELY, values, rows, [f"job/{active[0]}"])


def _since(event: Event, since: datetime) -> bool:
    return event.last.astimezone(UTC) >= since.astimezone(UTC)


GROUP = Group("jobs", CAUSES, {"Job": find, "CronJob": find_cron})
"""Why a Job gave up, and why a CronJob makes none."""

__all__ = ["CAUSES", "GROUP", "find", "find_cron"]
