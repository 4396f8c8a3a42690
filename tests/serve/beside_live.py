"""What kubectl says live, held against what it says of the recording, where nothing but the clock differs.

How a comparison is made: a `Recorder` follows the kinds; `see` asks the cluster, and notes the moment; the recorder
catches up. Then the recording is served, the server shows each of those moments, and `differing` asks again. What is
asked while something changes proves nothing, so it is asked again until nothing has. Ages are counted by the clock of
whoever prints them, so they may differ; they, and the spaces that their width makes, are all that is left out.

For a lesson: have the walk wait at the end of a step, `see` with the words that suit it, keep the recording and what
was seen, and compare then. Another kubectl is named by `KITLIB_TEST_KUBECTL`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from kitlib.recording import clock
from tests.serve.conftest import Asked

ASKED = [
    *("get all", "get all -o wide", "get all --show-labels", "get cm,endpointslices", "get events -o wide"),
    *("get pods -o yaml --show-managed-fields", "get deploy web -o json", "get pods -l app=web,!x -o name"),
    *("get pods --field-selector status.phase=Running,spec.nodeName!=", "get nodes -o wide", "get pods -A -o wide"),
    *(
        "describe deploy web",
        "describe rs",
        "describe pods",
        "describe svc web",
        "describe cm settings",
        "describe nodes",
    ),
    *("events", "events --for deployment/web", "rollout status deploy/web", "rollout history deploy/web"),
    *(
        "get pods nope",
        "get pods -l a=(",
        "get pods --field-selector a=b",
        "api-resources --no-such",
    ),
    *("get pods --sort-by=.metadata.name", "get rs -o custom-columns=N:.metadata.name,R:.status.replicas"),
]
AGE = re.compile(r"\b(?=\d)(\d+y)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?\b(?<=[ydhms])( ago)?")
VERSIONS = ("-o", "jsonpath={.items[*].metadata.resourceVersion}")
STAYS = (
    ("get", "nodes,pods,deploy,rs,svc,endpointslices,cm,events", "-A", *VERSIONS),
    ("get", "leases", "-n", "kube-node-lease", *VERSIONS),  # `describe nodes` tells when each was renewed
)
SPACES = re.compile(r"[ \t]+")

Ask = Callable[..., subprocess.CompletedProcess[str]]
Seen = dict[str, tuple[int, subprocess.CompletedProcess[str]]]


def plain(text: str) -> list[str]:
    """Return what is left when ages are."""
    return [SPACES.sub(" ", AGE.sub("AGE", line)).strip() for line in text.splitlines()]


def asker(
    kubectl: str, kubeconfig: Path, namespace: str, home: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what asks the live cluster."""

    def ask(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [kubectl, "-n", namespace, *words],
            env={**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home), "TZ": "UTC"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return ask


def see(live: Ask, asked: Iterable[str]) -> Seen:
    """Return what the cluster says to each call, with the moment, while nothing changes."""
    found: Seen = {}
    for words in asked:
        for _ in range(10):
            before = [live(*stays).stdout for stays in STAYS]
            at = clock.monotonic_ns()
            found[words] = at, live(*words.split())
            if [live(*stays).stdout for stays in STAYS] == before:
                break
    return found


def differing(seen: Seen, asked: Asked, again: Ask) -> list[str]:
    """Return the calls to which the recording answers otherwise, with both answers."""
    found = []
    for words, (at, then) in seen.items():
        asked.server.show(at)
        now = again(*words.split())
        mine, theirs = ([each.returncode, plain(each.stdout), plain(each.stderr)] for each in (now, then))
        if mine != theirs:
            found.append(f"{words}\n  live:     {theirs}\n  recorded: {mine}")
    return found
