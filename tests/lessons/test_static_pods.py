"""The notebook on static Pods: no line of the catalogue is missing, and its verdicts are made of what was recorded."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pyarrow as pa
import pyarrow.parquet as pq

from kitlib import plots
from tests.conftest import CHECKOUT
from tests.lessons.replay import Replay
from tests.plots.test_legible import check

DATA = CHECKOUT / "recordings" / "static-pods"
LINES = {
    "run by a node's kubelet without the API server": (
        "With the API server stopped, a static Pod starts",
        "And when its container fails, it is restarted",
        "The mirror is made only when the API server is back, though the kubelet saw the file before",
    ),
    "not tied to Deployment or DaemonSet, always on the same node": (
        "It isn't tied to a Deployment or DaemonSet: its only owner is the node",
        "No scheduler is asked: it has its node from the first version on, and no Event tells of scheduling",
        "A static Pod is always on the node that has its manifest: through changes, deletions and restarts",
    ),
    "health checks": (
        "The kubelet can't check the health of a static Pod",
        "An Event about the mirror reports the failed probe",
    ),
    "its mirror in the API": (
        "A mirror Pod appears in the API: its name is the Pod's with the node's name behind it",
        "Annotations mark it as a mirror, and tell what it mirrors and where that came from",
        "Deleting the mirror doesn't stop the container: the same one keeps running",
        "The mirror is made anew, under the same name, with another uid",
    ),
    "by file and by HTTP: add, change, remove, and the scan's delay": (
        "The kubelet has a flag for the folder, --pod-manifest-path (deprecated: its configuration is the place)",
        "A kubelet runs what a file in its folder says (staticPodPath)",
        "It runs what a URL answers (staticPodURL), too",
        "A file is noticed at the next scan of the folder (fileCheckFrequency: ten minutes here, 20 s by default)",
        "What the URL answers is noticed at the next request (httpCheckFrequency: 2 s here, 20 s by default)",
        "A changed file makes another Pod: the old container ends, then a new one starts",
        "A changed answer of the URL makes another Pod: the old container ends, then a new one starts",
        "A file that is removed ends its Pod, and its mirror goes",
        "So does a URL that answers nothing",
        "A URL that can't be read ends nothing: what ran keeps running",
    ),
    "the control plane itself; no reference to other objects": (
        "The control plane itself runs as static Pods: each of its files has a mirror",
        "The API server is brought back by its file and its own node's kubelet, which had nobody to ask",
        "A static Pod may not refer to other objects of the API, such as a ServiceAccount or a ConfigMap",
        "It is refused before it runs: nothing of it starts, no mirror appears",
    ),
}
"""The catalogue's lines, each with the sentences that test it."""
WRONG = {
    "The kubelet can't check the health of a static Pod",
    "A file is noticed at the next scan of the folder (fileCheckFrequency: ten minutes here, 20 s by default)",
}
"""Sentences that are known to be wrong, and stand there as such."""


def test_every_line_of_the_catalogue_is_tested_and_none_besides() -> None:
    nb = nbformat.read(CHECKOUT / "notebooks" / "static-pods.ipynb", as_version=4)
    said = [output.get("data", {}).get("text/plain", "") for cell in nb.cells for output in cell.get("outputs", ())]
    found = dict(re.findall(r"^. (?:holds|fails): (.+?)( \(as expected\))?$", "\n".join(said), re.MULTILINE))
    assert sorted(found) == sorted(text for texts in LINES.values() for text in texts)
    assert {text for text, expected in found.items() if expected} == WRONG


def test_its_figures_are_legible(tmp_path: Path) -> None:
    replay = Replay(DATA, tmp_path / "claims.json").run()
    assert len(replay.figures) == 2
    for figure in replay.figures:
        check(figure)
    told = plots.twin(replay.figures[-1])
    assert "No API server: from" in told and "(exit 3)" in told


def changed(folder: Path, drop: Callable[[dict[str, Any]], bool]) -> Path:
    """Copy the recording without the marks of nodes that `drop` says."""
    shutil.copytree(DATA, folder)
    (path,) = folder.rglob("*.parquet")
    table = pq.read_table(path, partitioning=None)
    kept = [
        row["type"] != "NODE" or not drop(json.loads(row["object"])["said"])
        for row in table.select(["type", "object"]).to_pylist()
    ]
    assert not all(kept)
    table = table.filter(pa.array(kept))
    pq.write_table(table.set_column(table.schema.get_field_index("seq"), "seq", pa.array(range(len(table)))), path)
    return folder


def test_without_what_the_node_said_there_is_no_verdict_in_its_favour(tmp_path: Path) -> None:
    """Nobody but the node saw the Pod start while there was no API server."""
    folder = changed(
        tmp_path / "data", lambda said: said["what"] == "running" and said.get("name", "").startswith("away-")
    )
    replay = Replay(folder, tmp_path / "claims.json").run()
    verdicts = {claim.text: claim.verdict for claim in replay.claims}
    assert [verdicts[text] for text in LINES["run by a node's kubelet without the API server"][:2]] == ["fails"] * 2
