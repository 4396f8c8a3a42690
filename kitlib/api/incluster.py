"""The service account that a Pod is given: kubectl takes it where no kubeconfig says which cluster is meant.

As client-go's clientcmd has it: the variables name the server, the folder holds token, authority and namespace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "in-cluster"
"""The context's name, for `--context`."""

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where each Pod has it."""


def possible(environ: Mapping[str, str] | None = None) -> bool:
    """Say whether this process runs in a Pod that was given a service account."""
    environ = os.environ if environ is None else environ
    named = environ.get("KUBERNETES_SERVICE_HOST") and environ.get("KUBERNETES_SERVICE_PORT")
    return bool(named) and (FOLDER / "token").is_file()


def entries(environ: Mapping[str, str] | None = None) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return context, cluster and user as a kubeconfig would have them.

    The token's file is read again while it is used: the kubelet writes a new one before the old one expires.
    """
    environ = os.environ if environ is None else environ
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    cluster = {"server": f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"}
    if (authority := FOLDER / "ca.crt").is_file():  # without it this machine's own authorities count
        cluster["certificate-authority"] = str(authority)
    try:
        namespace = environ.get("POD_NAMESPACE") or (FOLDER / "namespace").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        namespace = ""
    context = {"cluster": NAME, "user": NAME, "namespace": namespace}
    return context, cluster, {"tokenFile": str(FOLDER / "token")}
