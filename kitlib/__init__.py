"""Kubernetes, walked and proven: a lab for people who learn, teach or debug Kubernetes.

The flow goes one way, and each part is a module of that name::

    cluster → objects → watch → recording → frames → rollout → plots
                                         ↘ claims

In a notebook::

    %load_ext kitlib
    import kitlib
    from kitlib import claim, never, plots

    lab = kitlib.open("deployment")                  # a cluster, a namespace, a recorder
    with lab.step("change the image") as step:
        lab.apply("manifests/web-v2.yaml")           # shows the diff, and kubectl's command for it
        lab.wait("deployment/web", settled=True)     # progress, and on time-out the reason
    plots.story(step.frames)
    claim("No Pod fails", never(step.frames.pods, "phase == 'Failed'"), source="Deployment")
    lab.close()                                      # the ledger; the namespace goes

On a recording alone, without a cluster: ``kitlib.Recording.open("web.rec").frames.pods``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kitlib.accessors import register_accessor

if TYPE_CHECKING:
    from kitlib import plots, rollout
    from kitlib.claims import (
        always,
        at_least,
        at_most,
        claim,
        each,
        equal,
        eventually,
        happens_before,
        kept,
        never,
        unknown,
        within,
    )
    from kitlib.errors import KitlibError
    from kitlib.frames import Frames
    from kitlib.lab import Lab, labs, load_ipython_extension, open
    from kitlib.recording import Recording

__version__ = "0.1.0"

_HOME = {
    "KitlibError": "errors",
    "Recording": "recording",
    "Frames": "frames",
    "Lab": "lab",
    "open": "lab",
    "labs": "lab",
    "load_ipython_extension": "lab",
    "claim": "claims",
    "each": "claims",
    "never": "claims",
    "always": "claims",
    "eventually": "claims",
    "at_most": "claims",
    "at_least": "claims",
    "happens_before": "claims",
    "within": "claims",
    "equal": "claims",
    "kept": "claims",
    "unknown": "claims",
}
__all__ = [
    "Frames",
    "KitlibError",
    "Lab",
    "Recording",
    "always",
    "at_least",
    "at_most",
    "claim",
    "each",
    "equal",
    "eventually",
    "happens_before",
    "kept",
    "labs",
    "load_ipython_extension",
    "never",
    "open",
    "plots",
    "rollout",
    "unknown",
    "within",
]

register_accessor("Recording.frames", "kitlib.frames:Frames")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `kitlib --help` doesn't wait for pandas."""
    if name in _HOME:
        return getattr(import_module(f"kitlib.{_HOME[name]}"), name)
    if name in ("plots", "rollout"):
        return import_module(f"kitlib.{name}")
    raise AttributeError(f"module 'kitlib' has no attribute {name!r}")
