"""Which cluster is to be brought up, and why."""

from __future__ import annotations

from kitlib.cluster import providers
from kitlib.cluster.base import Choice
from kitlib.errors import UsageError
from kitlib.machine.versions import DEFAULT, NODE_IMAGES, Release, minor_of, release


def choose(provider: str | None = None, kubernetes: str | None = None) -> Choice:
    """Choose provider and version, and say why.

    Parameters
    ----------
    provider : str, optional
        "kind" or "embedded"; by default the first that this machine can do and kitlib can make.
    kubernetes : str, optional
        A version of `RELEASES`, such as "1.37"; with kind also one of those that it publishes, such as "1.36".

    Returns
    -------
    Choice
        Its `why` is one sentence to be shown.
    """
    if provider is not None:
        providers.named(provider)
    minor = minor_of(kubernetes)
    if provider in (None, "kind") and minor in NODE_IMAGES and minor != DEFAULT:
        return Choice("kind", minor, f"kind: only it can run Kubernetes {minor}, as kind publishes it.")
    wanted = release(kubernetes)
    warning = ""
    if wanted.past:
        warning = (
            f" Kubernetes {wanted.kubernetes} is of {wanted.past}: old and unpatched. It listens on 127.0.0.1 only;"
            " look at it, and never use it for real work."
        )
    if wanted.planes > 1:
        return _of_several(provider, wanted)
    if provider == "kind" and (wanted.past or wanted.variant):
        raise UsageError(
            f"kind can't run Kubernetes {wanted.label}.",
            step="choose a provider",
            next=f"use --provider embedded, or one of: {', '.join(NODE_IMAGES)}",
        )
    if provider is not None:
        return Choice(provider, wanted.label, f"{provider}: you asked for it.{warning}")
    if wanted.past or wanted.variant:
        what = "of the past" if wanted.past else f"like {wanted.label}"
        why = f"embedded: only it can make a control plane {what}; its nodes are simulated, all else is Kubernetes."
        return Choice("embedded", wanted.label, why + warning)
    engine, detail = providers.PROVIDERS["kind"].available()
    if engine:
        return Choice("kind", wanted.label, f"kind: {detail}, so nodes and containers are real.")
    why = f"embedded: {detail}, and it needs none; its nodes are simulated, all else is Kubernetes itself."
    return Choice("embedded", wanted.label, why)


def _of_several(provider: str | None, wanted: Release) -> Choice:
    """Choose for a cluster of several control planes: their nodes must be real."""
    if provider not in (None, "kind"):
        raise UsageError(
            f"{provider} has one control plane.", step="choose a provider", next="use --provider kind, or none"
        )
    why = f"kind: only it can make {wanted.planes} nodes with a control plane each."
    return Choice("kind", wanted.label, why)
