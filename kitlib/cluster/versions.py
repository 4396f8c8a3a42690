"""The Kubernetes versions that kitlib can bring up; nothing else in kitlib knows a version."""

from __future__ import annotations

from dataclasses import dataclass

from kitlib.errors import UsageError


@dataclass(frozen=True)
class Release:
    """One control plane: the versions that belong together.

    Parameters
    ----------
    minor : str
        What people call it: "1.37".
    kubernetes, etcd, kwok : str
        Exact versions, without a leading v.
    module : str
        The folder below kitlib/airgap/ whose go.mod pins exactly these.
    """

    minor: str
    kubernetes: str
    etcd: str
    kwok: str
    module: str


RELEASES = {"1.37": Release("1.37", kubernetes="1.37.2", etcd="3.7.3", kwok="0.8.0", module="go")}
DEFAULT = "1.37"


def release(minor: str | None = None) -> Release:
    """Look up a version; `minor` may be "1.37", "v1.37" or the exact "1.37.2".

    Returns
    -------
    Release

    Raises
    ------
    UsageError
        kitlib does not know that version.
    """
    wanted = (minor or DEFAULT).removeprefix("v")
    for known in RELEASES.values():
        if wanted in (known.minor, known.kubernetes):
            return known
    raise UsageError(
        f"Kubernetes {wanted} is not one that kitlib can bring up.",
        step="choose a version",
        next=f"use one of: {', '.join(RELEASES)}",
    )
