"""What each frame's columns are: names, dtypes, units, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
STATES = ("Pending", "Scheduled", "Running", "Ready", "Terminating", "Succeeded", "Failed", "Gone")
"""A Pod's state as a lane shows it, in the order of a Pod's life."""


@dataclass(frozen=True)
class Column:
    """What a column of a frame holds.

    Parameters
    ----------
    dtype : str
        pandas' name of its type.
    unit : str
        Of what its numbers count; empty where there is none.
    text : str
        What it means, and where it comes from.
    """

    dtype: str
    unit: str
    text: str


TIME = "datetime64[ns, UTC]"
"""dtype of all times."""
_OBSERVED = {
    "observed_at": Column(TIME, "wall clock", "when kitlib received it: a point"),
    "not_before": Column(
        TIME, "wall clock", "it was written after this, and before observed_at: the same unless it came late"
    ),
    "monotonic_ns": Column("int64", "ns", "observed_at on the monotonic clock; only differences mean something"),
    "seq": Column("int64", "", "order of receipt in the recording, from 0"),
    "resourceVersion": Column("int64", "", "metadata.resourceVersion: the server's order of all writes"),
}
_WATCHED = {
    **_OBSERVED,
    "type": Column("str", "", "ADDED, MODIFIED or DELETED, as the watch said"),
    "origin": Column("str", "", "list, watch or relist"),
}
_NAMED = {
    "namespace": Column("str", "", "metadata.namespace"),
    "name": Column("str", "", "metadata.name"),
    "uid": Column("str", "", "metadata.uid"),
}
VERSIONED = {name: column.dtype for name, column in {**_WATCHED, **_NAMED}.items()}
"""What a frame of an object's versions begins with: columns and their dtypes."""
_GENERATION = {
    "generation": Column("int64", "", "metadata.generation: rises when the spec changes"),
    "observedGeneration": Column("int64", "", "status.observedGeneration: what the controller has seen"),
}
_DELETED = {"deletionTimestamp": Column(TIME, "whole seconds", "metadata.deletionTimestamp; NaT unless deleted")}
_LOGGED = {
    "at": Column(TIME, "wall clock", "when it happened, by the node's clock: a point"),
    "monotonic_ns": Column("int64", "ns", "the same on the monotonic clock of the recording, by way of the wall clock"),
    "seq": Column("int64", "", "row of the recording that it came with"),
    "namespace": Column("str", "", "of the Pod that logged it"),
    "name": Column("str", "", "the Pod's metadata.name"),
    "uid": Column("str", "", "the Pod's metadata.uid"),
    "container": Column("str", "", "the container's name"),
    "run": Column("int64", "", "which of the container's runs, from 0: its restartCount then"),
}

COLUMNS: dict[str, dict[str, Column]] = {
    "pods": {
        **_WATCHED,
        **_NAMED,
        "phase": Column("str", "", "status.phase"),
        "state": Column("category", "", "Pending, Scheduled, Running (not ready), Ready, Terminating, …: see STATES"),
        "ready": Column("bool", "", "status of the condition Ready is True"),
        "nodeName": Column("str", "", "spec.nodeName; empty until scheduled"),
        "podIP": Column("str", "", "status.podIP"),
        "pod-template-hash": Column("str", "", "the label of that name"),
        "controller-revision-hash": Column("str", "", "the label of that name: of StatefulSets and DaemonSets"),
        "job-completion-index": Column("Int64", "", "the annotation batch.kubernetes.io/job-completion-index"),
        "owner.kind": Column("str", "", "kind of the owner reference that is the controller"),
        "owner.name": Column("str", "", "its name"),
        "owner.uid": Column("str", "", "its uid"),
        "creationTimestamp": Column(TIME, "whole seconds", "metadata.creationTimestamp, the server's clock"),
        "deletionTimestamp": Column(TIME, "whole seconds", "metadata.deletionTimestamp; NaT unless deleted"),
        "readyTransition": Column(TIME, "whole seconds", "lastTransitionTime of the condition Ready"),
        "reason": Column("str", "", "why it isn't further: of PodScheduled, status.reason, or of a waiting container"),
        "message": Column("str", "", "the message that belongs to reason"),
        "restartCount": Column("int64", "restarts", "sum over its containers"),
        "image": Column("str", "", "spec.containers[].image, joined by a comma"),
    },
    "workloads": {
        **_WATCHED,
        "kind": Column(
            "str", "", "Deployment, ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job, CronJob"
        ),
        **_NAMED,
        "generation": Column("int64", "", "metadata.generation: rises when the spec changes"),
        "observedGeneration": Column("Int64", "", "status.observedGeneration: what the controller has seen"),
        "spec.replicas": Column("Int64", "Pods", "spec.replicas"),
        "status.replicas": Column("Int64", "Pods", "status.replicas: without the terminating ones"),
        "updatedReplicas": Column("Int64", "Pods", "status.updatedReplicas"),
        "readyReplicas": Column("Int64", "Pods", "status.readyReplicas"),
        "availableReplicas": Column("Int64", "Pods", "status.availableReplicas"),
        "unavailableReplicas": Column("Int64", "Pods", "status.unavailableReplicas"),
        "terminatingReplicas": Column("Int64", "Pods", "status.terminatingReplicas, where the version has it"),
        "revision": Column("Int64", "", f"the annotation {REVISION}"),
        "pod-template-hash": Column("str", "", "the label of that name"),
        "owner.name": Column("str", "", "name of the controller that owns it; empty if none does"),
        "owner.uid": Column("str", "", "its uid"),
        "strategy": Column("str", "", "spec.strategy.type or spec.updateStrategy.type"),
        "maxSurge": Column("str", "Pods or %", "rollingUpdate.maxSurge of that strategy, as written"),
        "maxUnavailable": Column("str", "Pods or %", "rollingUpdate.maxUnavailable of that, as written"),
        "minReadySeconds": Column("Int64", "s", "spec.minReadySeconds"),
        "paused": Column("bool", "", "spec.paused"),
        "revisionHistoryLimit": Column("Int64", "ReplicaSets", "spec.revisionHistoryLimit"),
        "progressDeadlineSeconds": Column("Int64", "s", "spec.progressDeadlineSeconds"),
        "image": Column("str", "", "spec.template.spec.containers[].image, joined by a comma"),
        "template": Column("str", "", "digest of spec.template without pod-template-hash: equal means same template"),
        "deletionTimestamp": Column(TIME, "whole seconds", "metadata.deletionTimestamp; NaT unless deleted"),
    },
    "statefulsets": {
        **_WATCHED,
        **_NAMED,
        **_GENERATION,
        "spec.replicas": Column("int64", "Pods", "spec.replicas; 1 if left out"),
        "status.replicas": Column("int64", "Pods", "status.replicas"),
        "readyReplicas": Column("int64", "Pods", "status.readyReplicas"),
        "availableReplicas": Column("int64", "Pods", "status.availableReplicas"),
        "currentReplicas": Column("int64", "Pods", "status.currentReplicas: of currentRevision"),
        "updatedReplicas": Column("int64", "Pods", "status.updatedReplicas: of updateRevision"),
        "currentRevision": Column("str", "", "status.currentRevision"),
        "updateRevision": Column("str", "", "status.updateRevision: of the newest template"),
        "podManagementPolicy": Column("str", "", "spec.podManagementPolicy: OrderedReady or Parallel"),
        "ordinals.start": Column("int64", "", "spec.ordinals.start: the first Pod's number"),
        "updateStrategy": Column("str", "", "spec.updateStrategy.type: RollingUpdate or OnDelete"),
        "partition": Column("int64", "Pods", "rollingUpdate.partition: so many Pods, from the first, aren't updated"),
        "maxUnavailable": Column("str", "Pods or %", "rollingUpdate.maxUnavailable as written"),
        "minReadySeconds": Column("int64", "s", "spec.minReadySeconds"),
        "serviceName": Column("str", "", "spec.serviceName"),
        "whenScaled": Column("str", "", "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Retain or Delete"),
        "whenDeleted": Column("str", "", "spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Retain or Delete"),
        **_DELETED,
    },
    "daemonsets": {
        **_WATCHED,
        **_NAMED,
        **_GENERATION,
        "desiredNumberScheduled": Column("int64", "nodes", "status.desiredNumberScheduled: that should run a Pod"),
        "currentNumberScheduled": Column("int64", "nodes", "status.currentNumberScheduled: that should and do"),
        "updatedNumberScheduled": Column("int64", "nodes", "status.updatedNumberScheduled: with the newest template"),
        "numberReady": Column("int64", "nodes", "status.numberReady"),
        "numberAvailable": Column("int64", "nodes", "status.numberAvailable"),
        "numberUnavailable": Column("int64", "nodes", "status.numberUnavailable"),
        "numberMisscheduled": Column("int64", "nodes", "status.numberMisscheduled: that should not and do"),
        "updateStrategy": Column("str", "", "spec.updateStrategy.type: RollingUpdate or OnDelete"),
        "maxSurge": Column("str", "nodes or %", "rollingUpdate.maxSurge as written"),
        "maxUnavailable": Column("str", "nodes or %", "rollingUpdate.maxUnavailable as written"),
        "minReadySeconds": Column("int64", "s", "spec.minReadySeconds"),
        **_DELETED,
    },
    "jobs": {
        **_WATCHED,
        **_NAMED,
        "generation": _GENERATION["generation"],
        "owner.name": Column("str", "", "name of the controller that owns it, mostly a CronJob; empty if none does"),
        "owner.uid": Column("str", "", "its uid"),
        "completions": Column("Int64", "Pods", "spec.completions: that must succeed; NA if one success ends it"),
        "parallelism": Column("int64", "Pods", "spec.parallelism: at most so many at once; 1 if left out"),
        "backoffLimit": Column("Int64", "failures", "spec.backoffLimit"),
        "backoffLimitPerIndex": Column("Int64", "failures", "spec.backoffLimitPerIndex"),
        "completionMode": Column("str", "", "spec.completionMode: NonIndexed or Indexed"),
        "suspend": Column("bool", "", "spec.suspend"),
        "activeDeadlineSeconds": Column("Int64", "s", "spec.activeDeadlineSeconds: of the whole Job"),
        "ttlSecondsAfterFinished": Column("Int64", "s", "spec.ttlSecondsAfterFinished"),
        "podFailurePolicy": Column("bool", "", "whether it has a spec.podFailurePolicy"),
        "successPolicy": Column("bool", "", "whether it has a spec.successPolicy"),
        "active": Column("int64", "Pods", "status.active"),
        "ready": Column("int64", "Pods", "status.ready"),
        "terminating": Column("Int64", "Pods", "status.terminating, where the version has it"),
        "succeeded": Column("int64", "Pods", "status.succeeded"),
        "failed": Column("int64", "Pods", "status.failed"),
        "completedIndexes": Column("str", "", "status.completedIndexes: such as 0-2,4"),
        "failedIndexes": Column("str", "", "status.failedIndexes"),
        "finished": Column("str", "", "Complete or Failed: which of these conditions is True; empty while it goes on"),
        "reason": Column("str", "", "that condition's reason: BackoffLimitExceeded, DeadlineExceeded, …"),
        "startTime": Column(TIME, "whole seconds", "status.startTime"),
        "completionTime": Column(TIME, "whole seconds", "status.completionTime; NaT unless it is Complete"),
        "scheduledTime": Column(
            TIME, "whole seconds", "the annotation batch.kubernetes.io/cronjob-scheduled-timestamp: the CronJob's time"
        ),
        "manual": Column("bool", "", "somebody made it of the CronJob by hand: cronjob.kubernetes.io/instantiate"),
        "creationTimestamp": Column(TIME, "whole seconds", "metadata.creationTimestamp, the server's clock"),
        **_DELETED,
    },
    "cronjobs": {
        **_WATCHED,
        **_NAMED,
        "generation": _GENERATION["generation"],
        "schedule": Column("str", "", "spec.schedule: minute, hour, day of month, month, day of week"),
        "timeZone": Column("str", "", "spec.timeZone; empty: the controller manager's own"),
        "concurrencyPolicy": Column("str", "", "spec.concurrencyPolicy: Allow, Forbid or Replace"),
        "suspend": Column("bool", "", "spec.suspend"),
        "startingDeadlineSeconds": Column("Int64", "s", "spec.startingDeadlineSeconds"),
        "successfulJobsHistoryLimit": Column("Int64", "Jobs", "spec.successfulJobsHistoryLimit"),
        "failedJobsHistoryLimit": Column("Int64", "Jobs", "spec.failedJobsHistoryLimit"),
        "active": Column("int64", "Jobs", "how many status.active names"),
        "lastScheduleTime": Column(TIME, "whole seconds", "status.lastScheduleTime"),
        "lastSuccessfulTime": Column(TIME, "whole seconds", "status.lastSuccessfulTime"),
        **_DELETED,
    },
    "containers": {
        **_OBSERVED,
        "namespace": Column("str", "", "the Pod's metadata.namespace"),
        "name": Column("str", "", "the Pod's metadata.name"),
        "uid": Column("str", "", "the Pod's metadata.uid"),
        "container": Column("str", "", "the container's name"),
        "role": Column("str", "", "init, sidecar (an init container with restartPolicy Always), main or ephemeral"),
        "state": Column("str", "", "Waiting, Running or Terminated: state; Gone once the Pod is deleted"),
        "reason": Column("str", "", "state.waiting.reason or state.terminated.reason: CrashLoopBackOff, OOMKilled, …"),
        "message": Column("str", "", "the message that belongs to reason"),
        "ready": Column("bool", "", "ready: it passes its readiness probe, if it has one"),
        "started": Column("boolean", "", "started: it has passed its startup probe, if it has one"),
        "restartCount": Column("int64", "restarts", "restartCount"),
        "exitCode": Column("Int64", "", "state.terminated.exitCode"),
        "signal": Column("Int64", "", "state.terminated.signal"),
        "startedAt": Column(TIME, "whole seconds", "startedAt of what runs, or of what has ended: the node's clock"),
        "finishedAt": Column(TIME, "whole seconds", "state.terminated.finishedAt, the node's clock"),
        "last.exitCode": Column("Int64", "", "lastState.terminated.exitCode: of the run before this one"),
        "last.reason": Column("str", "", "lastState.terminated.reason"),
        "last.message": Column("str", "", "lastState.terminated.message"),
        "last.startedAt": Column(TIME, "whole seconds", "lastState.terminated.startedAt, the node's clock"),
        "last.finishedAt": Column(TIME, "whole seconds", "lastState.terminated.finishedAt, the node's clock"),
        "image": Column("str", "", "image"),
        "containerID": Column("str", "", "containerID: another one after each restart"),
    },
    "conditions": {
        **_OBSERVED,
        "kind": Column("str", "", "kind of the object that has the condition"),
        **_NAMED,
        "condition": Column("str", "", "status.conditions[].type"),
        "status": Column("str", "", "True, False or Unknown"),
        "reason": Column("str", "", "status.conditions[].reason"),
        "message": Column("str", "", "status.conditions[].message"),
        "lastTransitionTime": Column(TIME, "whole seconds", "status.conditions[].lastTransitionTime"),
    },
    "nodes": {
        **_OBSERVED,
        "origin": Column("str", "", "list, watch or relist"),
        "name": Column("str", "", "the node's metadata.name"),
        "uid": Column("str", "", "the Node's metadata.uid, also in rows about its lease"),
        "about": Column("str", "", "what has changed: condition, taints, labels, lease, or deleted"),
        "condition": Column("str", "", "status.conditions[].type: Ready, MemoryPressure, …"),
        "status": Column("str", "", "the condition's status: True, False or Unknown"),
        "reason": Column("str", "", "status.conditions[].reason"),
        "message": Column("str", "", "status.conditions[].message"),
        "taints": Column("str", "", "all of spec.taints as key:effect, joined by a comma; empty if there is none"),
        "stamp": Column(
            TIME,
            "whole seconds; a lease's µs",
            "lastTransitionTime of the condition, the newest timeAdded of the taints, renewTime of the lease",
        ),
        "leaseDurationSeconds": Column("Int64", "s", "spec.leaseDurationSeconds: for how long a renewal is meant"),
        "labels": Column("str", "", "all of metadata.labels as key=value, joined by a comma; empty if there is none"),
    },
    "events": {
        **_OBSERVED,
        **_NAMED,
        "eventType": Column("str", "", "the Event's own type: Normal or Warning"),
        "reason": Column("str", "", "reason"),
        "message": Column("str", "", "message (core/v1) or note (events.k8s.io/v1)"),
        "count": Column("int64", "occurrences", "count or series.count: how often up to here"),
        "involvedObject.kind": Column("str", "", "kind of the object it is about"),
        "involvedObject.name": Column("str", "", "its name"),
        "involvedObject.uid": Column("str", "", "its uid"),
        "component": Column("str", "", "source.component or reportingComponent: who says so"),
        "occurrences": Column("int64", "occurrences", "how many this row adds to the one before"),
        "earliest": Column(TIME, "whole seconds", "begin of the interval in which the newest of them fell"),
        "latest": Column(TIME, "whole seconds", "end of that interval: server stamps are whole seconds"),
        "first": Column(TIME, "whole seconds", "firstTimestamp or eventTime: when the first of all of them fell"),
        "lastTimestamp": Column(
            TIME, "whole seconds", "lastTimestamp as it is: NaT where whoever wrote it left it out"
        ),
        "eventTime": Column(TIME, "µs", "eventTime as it is: NaT where whoever wrote it left it out"),
    },
    "occurrences": {
        **_OBSERVED,
        **_NAMED,
        "eventType": Column("str", "", "the Event's own type: Normal or Warning"),
        "reason": Column("str", "", "reason"),
        "message": Column("str", "", "message (core/v1) or note (events.k8s.io/v1)"),
        "involvedObject.kind": Column("str", "", "kind of the object it is about"),
        "involvedObject.name": Column("str", "", "its name"),
        "involvedObject.uid": Column("str", "", "its uid"),
        "component": Column("str", "", "source.component or reportingComponent: who says so"),
        "number": Column("int64", "", "which of the Event's occurrences this is, from 1; of several, the first"),
        "times": Column("int64", "occurrences", "how many; more than 1 where they can't be told apart"),
        "earliest": Column(TIME, "whole seconds", "begin of the interval in which it fell"),
        "latest": Column(TIME, "whole seconds", "end of that interval"),
        "known": Column(
            "str",
            "",
            "stamp: the Event has a stamp of it; between: it fell between two stamps; unbounded: no stamp tells",
        ),
    },
    "logs": {
        **_LOGGED,
        "event": Column(
            "str", "", "what happened, where the line is the probe's: start, listen, probe, signal, exit, …"
        ),
        "line": Column("str", "", "what was logged, as it is"),
    },
    "traffic": {
        **_LOGGED,
        "late_ns": Column("int64", "ns", "how long after its due time the request was sent"),
        "took_ns": Column("int64", "ns", "from there to the answer's end, or to the failure"),
        "answered": Column("bool", "", "whether an answer came, whatever its status"),
        "status": Column("Int64", "", "the answer's HTTP status; NA if none came"),
        "error": Column("str", "", "what went wrong: refused, reset, timeout, unreachable, …; empty if answered"),
        "who": Column("str", "", "who answered: the server's Pod, by its header Probe-Name"),
        "version": Column("str", "", "its version, by its header Probe-Version"),
        "ready": Column("boolean", "", "whether it held itself ready then, by its header Probe-Ready; NA if not said"),
        "reused": Column("bool", "", "whether the request went over a connection that was open already"),
    },
    "probes": {
        **{name: about for name, about in _LOGGED.items() if name != "run"},
        "run": Column("Int64", "", "which of the container's runs, from 0; NA where an Event tells"),
        "source": Column("str", "", "container: it has logged its answer; event: the kubelet has said so"),
        "probe": Column("str", "", "startup, readiness or liveness"),
        "handler": Column("str", "", "exec, http, tcp or grpc; empty where an Event tells"),
        "outcome": Column("str", "", "Success, Failure or Unknown"),
        "status": Column("Int64", "", "the HTTP status answered; 0 if nobody waited any more; NA where an Event tells"),
        "took_ns": Column("Int64", "ns", "how long the answer took; NA where an Event tells"),
        "times": Column("int64", "probes", "how many this row is about: an Event may tell of several"),
        "message": Column("str", "", "the Event's message"),
        "streak": Column(
            "int64", "probes", "how many in a row had this outcome, up to here in this window, by this source"
        ),
        "periodSeconds": Column("Int64", "s", "of the probe in the Pod's spec, as those below; NA if not recorded"),
        "timeoutSeconds": Column("Int64", "s", "timeoutSeconds"),
        "successThreshold": Column("Int64", "probes", "successThreshold"),
        "failureThreshold": Column("Int64", "probes", "failureThreshold"),
    },
    "endpoints": {
        **_OBSERVED,
        "namespace": Column("str", "", "the EndpointSlice's metadata.namespace"),
        "name": Column("str", "", "its metadata.name"),
        "uid": Column("str", "", "its metadata.uid"),
        "service": Column("str", "", "the label kubernetes.io/service-name"),
        "address": Column("str", "", "endpoints[].addresses[]"),
        "pod": Column("str", "", "endpoints[].targetRef.name"),
        "nodeName": Column("str", "", "endpoints[].nodeName"),
        "listed": Column("bool", "", "whether the slice has this address; false once it has been taken out"),
        "ready": Column("boolean", "", "conditions.ready: new requests should go there"),
        "serving": Column("boolean", "", "conditions.serving: as ready, also while it terminates"),
        "terminating": Column("boolean", "", "conditions.terminating"),
    },
    "gaps": {
        "observed_at": _OBSERVED["observed_at"],
        "monotonic_ns": _OBSERVED["monotonic_ns"],
        "seq": _OBSERVED["seq"],
        "stream": Column("str", "", "the watch, or the log, that lost something"),
        "kind": Column("str", "", "kind of the objects that may be missing"),
        "after_ns": Column("int64", "ns", "monotonic: all before was recorded"),
        "until_ns": Column("int64", "ns", "monotonic: all after is recorded again; the frame's end while it is open"),
        "after_rv": Column("Int64", "", "resourceVersion: all up to it was recorded; NA if none was ever listed"),
        "until_rv": Column("Int64", "", "resourceVersion: all after it is recorded again; NA while it is open"),
        "open": Column("bool", "", "whether it has no end yet"),
        "reason": Column("str", "", "what went wrong"),
    },
    "coverage": {
        "stream": Column("str", "", "the watch that brings these objects"),
        "kind": Column("str", "", "their kind"),
        "apiVersion": Column("str", "", "its group and version"),
        "namespace": Column("str", "", "whose objects; empty for all"),
        "begin_ns": Column("int64", "ns", "monotonic: begin of the interval"),
        "end_ns": Column("int64", "ns", "monotonic: its end"),
        "covered": Column("bool", "", "whether all that was written in it is in the recording"),
        "reason": Column("str", "", "why not"),
    },
    "left_out": {
        "seq": Column("int64", "", "the row of the recording that it was met in first"),
        "kind": Column("str", "", "the object's kind; empty where a frame doesn't tell it"),
        **_NAMED,
        "what": Column("str", "", "which part of it: a path in the object, or frame.column; empty for all of it"),
        "reason": Column("str", "", "why it can't be read"),
    },
    "steps": {
        "name": Column("str", "", "the step's name"),
        "begin_at": Column(TIME, "wall clock", "when it began"),
        "begin_ns": Column("int64", "ns", "the same on the monotonic clock"),
        "end_ns": Column("Int64", "ns", "when it ended; NA while it goes on"),
    },
}
"""Each frame's columns, in their order."""

__all__ = ["COLUMNS", "HASH", "REVISION", "STATES", "TIME", "VERSIONED", "Column"]
