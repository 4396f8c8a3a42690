"""What `%load_ext kitlib` sets up in a notebook: figures, claims, tables, and the magic %kubectl."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import Any

from kitlib import claims
from kitlib.api import incluster
from kitlib.cluster import Cluster
from kitlib.errors import NotKept, UsageError
from kitlib.lab.display import STYLE, show_axes, show_claim, show_figure
from kitlib.lab.lab import Lab, opened
from kitlib.lab.replay import Guard, Recorded
from kitlib.lab.replay.guard import HELPER
from kitlib.lab.session import REPLAY
from kitlib.machine import versions
from kitlib.machine.programs import find


def load_ipython_extension(ipython: Any) -> None:
    """Set up a notebook: figures, claims, tables, and the magic %kubectl."""
    from IPython.display import display
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    formatter = ipython.display_formatter.ipython_display_formatter
    formatter.for_type(Figure, show_figure)
    formatter.for_type(Axes, show_axes)
    formatter.for_type(claims.Claim, lambda made: None)
    claims.on_claim(show_claim)
    ipython.register_magic_function(_kubectl, "line", "kubectl")
    if os.environ.get(REPLAY) and HELPER not in ipython.user_ns:
        ipython.ast_transformers.append(Guard(ipython.user_ns))
        ipython.user_ns_hidden[HELPER] = ipython.user_ns[HELPER]
    display({"text/html": STYLE, "text/plain": "kitlib is ready"}, raw=True)


def kubectl(cluster: Cluster) -> str:
    """Return the kubectl that belongs to a cluster: its own programs', else the one on PATH.

    Raises
    ------
    UsageError
        If there is none.
    """
    if isinstance(cluster, Recorded):
        raise NotKept("kubectl: there is no server")
    release = versions.RELEASES.get(cluster.version) if cluster.made_by_kitlib else None
    if release and (own := find.ready(release).paths.get("kubectl")):
        return str(own)
    if found := shutil.which("kubectl"):
        return found
    raise UsageError("there is no kubectl", step="%kubectl", next="install kubectl, or use the lab's own words")


def _kubectl(line: str) -> None:
    """%kubectl get pods: the cluster's own kubectl, in the lab's namespace; %kubectl @1.17 get pods: that version's."""
    words = shlex.split(line)
    wanted = words.pop(0)[1:] if words and words[0].startswith("@") else None
    fitting = [lab for lab in opened if wanted in (None, lab.label, lab.cluster.version)]
    if not fitting:
        where = f" on Kubernetes {wanted}" if wanted else ""
        raise UsageError(f"no lab is open{where}", step="%kubectl", next='begin with kitlib.open("…")')
    lab = max(fitting, key=lambda lab: (lab.label == wanted, claims.version_order(lab.cluster.version)))

    def kubectl_says(words: list[str]) -> str:
        return _asked(lab, words)

    print(lab.answer_of(kubectl_says, words), end="")


def _asked(lab: Lab, words: list[str]) -> str:
    command = [kubectl(lab.cluster), "--namespace", lab.namespace, *words]
    environ = dict(os.environ)
    if lab.cluster.kubeconfig != incluster.FOLDER:  # which kubectl finds by itself
        command[1:1] = ["--context", lab.cluster.context]
        environ["KUBECONFIG"] = str(lab.cluster.kubeconfig)  # a cluster of yours may need several files
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environ)
    if done.returncode:
        raise UsageError(done.stderr.strip(), step="%kubectl", object=shlex.join(words), next="correct the command")
    return done.stdout
