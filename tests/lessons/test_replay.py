"""Each notebook's verdicts and figures come out of its recording again, without a cluster."""

from __future__ import annotations

import re

import nbformat
import pytest
from matplotlib import pyplot

from tests.conftest import CHECKOUT
from tests.lessons.replay import Replay, expectations
from tests.plots import drawing

DATA = CHECKOUT / "recordings"
UNTOLD = {
    "cluster-api": 0,
    "controllers": 0,
    "cronjob": 0,
    "daemonset": 0,
    "deployment": 2,
    "dns": 0,
    "events": 0,
    "external-dns": 0,
    "hooks": 0,
    "ingress": 4,
    "job": 0,
    "kube-vip": 2,
    "lifecycle": 0,
    "nginx": 0,
    "pod": 0,
    "preset": 0,
    "security": 1,
    "start": 0,
    "statefulset": 0,
    "static-pods": 0,
    "traefik": 4,
    "why": 0,
}
"""How many claims a recording doesn't tell: it is older than the keeping of answers, or its cluster can't show it.
When one is made anew its number falls, as a rule to 0."""
LEFT_OUT: dict[str, list[str]] = {}
"""Statements that aren't in a recording that keeps answers, until it is made anew; no claim stands on them."""


def untold(name: str, replay: Replay) -> list[str]:
    """Return the claims of a lesson that aren't made, or are unknown and shouldn't be, of the newest version."""
    verdicts = {claim.text: claim.verdict for claim in replay.claims}
    wanted = {text: each if isinstance(each, str) else each[max(each)] for text, each in expectations(name).items()}
    missing = [text for text, each in wanted.items() if verdicts.get(text, "unknown") == "unknown" != each]
    unkept = [claim.text for claim in replay.claims if claim.why.startswith("not in the recording")]
    return list(dict.fromkeys([*missing, *unkept]))


def test_every_recording_is_replayed():
    lessons = [path.name for path in DATA.iterdir() if not re.search(r"-\d", path.name)]  # others lie beside theirs
    assert sorted(UNTOLD) == sorted(lessons)


@pytest.mark.parametrize("name", sorted(UNTOLD))
def test_verdicts_and_figures_come_out_of_the_recording(name, tmp_path):
    replay = Replay(DATA / name, tmp_path / "claims.json").run()
    assert {claim.text: claim.verdict for claim in replay.claims if not claim.as_expected} == {}
    nb = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", as_version=4)
    shown = [output for cell in nb.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    assert len(replay.figures) == len(shown)
    for figure in replay.figures:
        assert not drawing.overlaps(figure)
        assert not drawing.outside(figure)
    assert len(missing := untold(name, replay)) == UNTOLD[name], f"not told: {missing}"
    if replay.lab.recording.info.get("answers"):
        assert replay.left_out == LEFT_OUT.get(name, [])
    pyplot.close("all")
