"""Why a container has no image: what the kubelet says of its pull."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitlib.rollout.why.cause import CERTAIN, LIKELY, Cause, Finding, Group, Row, the
from kitlib.rollout.why.containers import Container, containers, its_events
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.world import World

_PAGE = "concepts/containers/images/"
_DESCRIBE = "kubectl -n {ns} describe pod {name}"
CAUSES = (
    Cause(
        "image-missing",
        "ErrImagePull, ImagePullBackOff: not found, manifest unknown",
        "{who} can't start: the image {image} of container {container} isn't in its registry",
        _DESCRIBE,
        _PAGE + "#image-names",
    ),
    Cause(
        "image-auth",
        "ErrImagePull, ImagePullBackOff: unauthorized, denied, 401, 403",
        "{who} can't start: the registry doesn't let it have the image {image} of container {container}",
        "kubectl -n {ns} get pod {name} -o jsonpath='{{.spec.imagePullSecrets}}'",
        "tasks/configure-pod-container/pull-image-private-registry/",
    ),
    Cause(
        "image-registry",
        "ErrImagePull, ImagePullBackOff: no such host, connection refused, timeout, x509",
        "{who} can't start: the registry of the image {image} of container {container} can't be reached",
        _DESCRIBE,
        _PAGE,
    ),
    Cause(
        "image-policy",
        "ErrImageNeverPull",
        "{who} can't start: the image {image} of container {container} isn't on the node, and imagePullPolicy is Never",
        _DESCRIBE,
        _PAGE + "#image-pull-policy",
    ),
    Cause(
        "image-name",
        "InvalidImageName",
        "{who} can't start: {image} is no valid name of an image (container {container})",
        _DESCRIBE,
        _PAGE + "#image-names",
    ),
    Cause(
        "image",
        "ErrImagePull, ImagePullBackOff, and no word that says why",
        "{who} can't start: the image {image} of container {container} can't be pulled{said}",
        _DESCRIBE,
        _PAGE + "#imagepullbackoff",
    ),
)
"""Rows of the table."""
_CAUSES = the(CAUSES)
WAITING = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ErrImageNeverPull", "InvalidImageName")
"""The kubelet's words for a container that waits for its image."""
_SAID = (
    (r"unauthorized|authorization failed|authentication required|40[13]\b|access denied|no basic auth|denied:", "auth"),
    (r"no such host|connection refused|timeout|x509|no route to host|server gave HTTP|EOF|unreachable", "registry"),
    (r"not found|manifest unknown|name unknown|does not exist|404\b", "missing"),
)


def find(world: World, pod: Object) -> Iterator[Finding]:
    """Look for why a Pod's containers have no image."""
    for one in containers(pod):
        if one.waiting in WAITING:
            name, rows, said = _told(world, pod, one)
            values = {"image": one.image, "container": one.name, "said": f": {said}" if said else ""}
            below = [f"container {one.name}", f"image {one.image}"]
            certainty = LIKELY if name == "image" and not said else CERTAIN
            yield Finding(_CAUSES[name], pod, certainty, values, rows, below)


def _told(world: World, pod: Object, one: Container) -> tuple[str, list[Row], str]:
    """Return the cause, what shows it, and the words that were no known ones."""
    rows = [Row.field_of(pod, one.path + ".state.waiting", f"{one.waiting}: {one.message}".rstrip(": "))]
    if one.waiting == "ErrImageNeverPull":
        return "image-policy", rows, ""
    if one.waiting == "InvalidImageName":
        return "image-name", rows, ""
    about = [each for each in its_events(world, pod, one, "Failed", "ErrImagePull") if "pull" in each.message.lower()]
    said = [*((each.message, [Row.event_of(each)]) for each in reversed(about)), (one.message, [])]
    for message, more in said:
        for pattern, name in _SAID:
            if re.search(pattern, message, re.IGNORECASE):
                return f"image-{name}", rows + more, ""
    longest = max((message for message, _ in said if "Back-off" not in message), key=len, default="")
    return "image", rows + [Row.event_of(each) for each in about[-1:]], longest


def clear(world: World, pods: list[Object]) -> str:
    """Say what is ruled out where nothing was found."""
    mine = [one for pod in pods for one in containers(pod)]
    return "every container has had its image" if mine and all(one.pulled for one in mine) else ""


GROUP = Group("images", CAUSES, {"Pod": find}, clear)
"""Why a container has no image."""

__all__ = ["CAUSES", "GROUP", "WAITING", "clear", "find"]
