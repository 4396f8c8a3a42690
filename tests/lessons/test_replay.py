"""Each notebook's verdicts and figures come out of its recording again, without a cluster."""

from __future__ import annotations

import nbformat
import pytest
from matplotlib import pyplot

from tests.conftest import CHECKOUT
from tests.lessons.replay import Replay
from tests.plots import drawing

DATA = CHECKOUT / "recordings"
LEAST = {
    "controllers": 38,
    "daemonset": 35,
    "cronjob": 20,
    "deployment": 20,
    "dns": 58,
    "events": 24,
    "hooks": 39,
    "ingress": 39,
    "job": 32,
    "lifecycle": 42,
    "pod": 15,
    "start": 1,
    "statefulset": 43,
    "static-pods": 23,
}
"""How many claims need no more than the recording; others ask a container, or the server."""


def test_every_recording_is_replayed():
    assert sorted(LEAST) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("name", sorted(LEAST))
def test_verdicts_and_figures_come_out_of_the_recording(name, tmp_path):
    replay = Replay(DATA / name, tmp_path / "claims.json").run()
    assert {claim.text: claim.verdict for claim in replay.claims if not claim.as_expected} == {}
    nb = nbformat.read(CHECKOUT / "notebooks" / f"{name}.ipynb", as_version=4)
    shown = [output for cell in nb.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})]
    assert len(replay.figures) == len(shown)
    for figure in replay.figures:
        assert not drawing.overlaps(figure)
        assert not drawing.outside(figure)
    made = {str(claim) for claim in replay.claims}
    assert len(made) >= LEAST[name], f"{len(made)} claims stand on the recording alone"
    pyplot.close("all")
