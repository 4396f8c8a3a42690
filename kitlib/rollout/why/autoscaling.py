"""Why a HorizontalPodAutoscaler doesn't scale."""

from __future__ import annotations

from collections.abc import Iterator

from kitlib.rollout.fields import text
from kitlib.rollout.why.cause import CERTAIN, Cause, Finding, Group, Row, the
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.world import World

_PAGE = "tasks/run-application/horizontal-pod-autoscale/"
_DESCRIBE = "kubectl -n {ns} describe hpa {name}"
CAUSES = (
    Cause(
        "hpa-metrics",
        "ScalingActive: FailedGet…Metric, the metrics API doesn't answer",
        "{who} doesn't scale: it gets no metrics{said}",
        "kubectl get apiservices v1beta1.metrics.k8s.io",
        _PAGE + "#support-for-metrics-apis",
    ),
    Cause(
        "hpa-requests",
        "ScalingActive: FailedGetResourceMetric, missing request",
        "{who} doesn't scale: it measures against requests, and a container has none{said}",
        "kubectl -n {ns} get {target} -o jsonpath='{{.spec.template.spec.containers[*].resources}}'",
        _PAGE + "#algorithm-details",
    ),
    Cause(
        "hpa-target",
        "AbleToScale: FailedGetScale",
        "{who} doesn't scale: its target {target} can't be found{said}",
        "kubectl -n {ns} get {target}",
        _PAGE,
    ),
    Cause(
        "hpa-disabled",
        "ScalingActive: ScalingDisabled",
        "{who} doesn't scale: its target {target} is scaled to 0, which turns it off",
        "kubectl -n {ns} get {target}",
        _PAGE + "#implicit-maintenance-mode-deactivation",
    ),
    Cause(
        "hpa-limit",
        "ScalingLimited: TooManyReplicas",
        "{who} would make more Pods than its maxReplicas ({most}) allows",
        _DESCRIBE,
        _PAGE,
    ),
    Cause(
        "hpa",
        "ScalingActive or AbleToScale is False, for another reason",
        "{who} doesn't scale{said}",
        _DESCRIBE,
        _PAGE,
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)


def find(world: World, scaler: Object) -> Iterator[Finding]:
    """Look for why an autoscaler doesn't scale."""
    target = f"{scaler.text('spec', 'scaleTargetRef', 'kind').lower()}/{scaler.text('spec', 'scaleTargetRef', 'name')}"
    able, active, limited = (scaler.condition(each) for each in ("AbleToScale", "ScalingActive", "ScalingLimited"))
    values = {"target": target, "most": scaler.number("spec", "maxReplicas")}
    if text(able, "status") == "False":
        name = "hpa-target" if text(able, "reason") == "FailedGetScale" else "hpa"
        rows = [Row.condition_of(scaler, "AbleToScale")]
        said = f": {text(able, 'message')}"
        yield Finding(_CAUSES[name], scaler, CERTAIN, {**values, "said": said}, rows, [target])
    if text(active, "status") == "False":
        reason, message = text(active, "reason"), text(active, "message")
        name = "hpa-disabled" if reason == "ScalingDisabled" else "hpa"
        if reason.startswith("FailedGet") and reason.endswith("Metric"):
            name = "hpa-requests" if "missing request" in message else "hpa-metrics"
        rows = [Row.condition_of(scaler, "ScalingActive")]
        below = ["metrics API"] if name == "hpa-metrics" else [target]
        yield Finding(_CAUSES[name], scaler, CERTAIN, {**values, "said": f": {message}"}, rows, below)
    elif text(limited, "status") == "True" and text(limited, "reason") == "TooManyReplicas":
        yield Finding(_CAUSES["hpa-limit"], scaler, CERTAIN, values, [Row.condition_of(scaler, "ScalingLimited")])


GROUP = Group("autoscaling", CAUSES, {"HorizontalPodAutoscaler": find})
"""Why an autoscaler doesn't scale."""

__all__ = ["CAUSES", "GROUP", "find"]
