"""A walk on the recordings that lessons bring: the same cells, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from kitlib.lab.display import Changes, display
from kitlib.lab.keeping import Keeper, kept
from kitlib.lessons import recordings
from kitlib.recording import Recording
from kitlib.walk import walk
from tests.conftest import CHECKOUT

ABOUT = {
    "notebook": "one",
    "cluster": "kind-1.37",
    "provider": "kind",
    "version": "1.37",
    "release": "v1.37.2",
    "namespace": "kitlib-one-abc123",
    "answers": True,
    "created": 1_795_991_117,  # 2026-11-29
}
CELLS = [
    "%load_ext kitlib\nimport kitlib\nfrom kitlib import claim, equal\nlab = kitlib.open('one')",
    "with lab.step('begin') as begin:\n    lab.apply('manifests/web.yaml')\n    asked = lab.get('pod/web')",
    "asked['spec']",
    "other = lab.get('pod/other')",
    "claim('It was asked', equal(asked['spec'], 1, what='it is', direct=True), source='test')\n"
    "claim('It was not', equal(other['spec'], 1, what='it is', direct=True), source='test')",
    "import kitlib.cluster\nassert kitlib.cluster.clusters() == []",
    "lab.close()",
]


class Words:
    """What a lab is here: it has two words."""

    spec = 1

    def __init__(self, recording: Recording, base: Path) -> None:
        self._keeper, self.base = Keeper(recording), base

    @kept
    def apply(self, source: str) -> Changes:
        display("deployment/web created", "<b>deployment/web</b> created")
        return Changes([])

    @kept
    def get(self, ref: str) -> dict[str, object]:
        return {"metadata": {"name": ref}, "spec": self.spec}


@pytest.fixture
def lesson(project: Path) -> Path:
    """A lesson that needs containers, and its recording."""
    web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    (project / "notebooks" / "manifests" / "web.yaml").write_text(web)
    nb = new_notebook(cells=[new_code_cell(cell) for cell in CELLS], metadata={"kitlib": {"needs": "containers"}})
    nbformat.write(nb, project / "notebooks" / "one.ipynb")
    recording = Recording.create(project / "recordings" / "one", ABOUT)
    recording.mark("STEP", "begin", edge="begin", id="1")
    words = Words(recording, project / "notebooks")
    words.apply("manifests/web.yaml")
    words.get("pod/web")
    recording.mark("STEP", "begin", edge="end", id="1")
    recording.close()
    return project


class Simulated:
    """A cluster without containers: what a walk needs of one."""

    name, provider, context, runs_containers = "embedded-1.37", "embedded", "", False

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "provider": self.provider}


@pytest.fixture
def no_clusters(monkeypatch):
    monkeypatch.setattr("kitlib.cluster.clusters", list)


@pytest.mark.parametrize("cluster", [None, Simulated()], ids=["by wish", "for want of containers"])
def test_a_lesson_comes_out_of_its_recording_and_says_so(lesson, tmp_path, no_clusters, cluster):
    lines: list[str] = []
    result = walk(None, cluster, tmp_path / "build", root=lesson, say=lines.append)
    (found,) = result.notebooks
    assert found.problems == []
    assert found.recorded == "recording, kind, Kubernetes 1.37.2, 2026-11-29" == found.to_dict()["recorded"]
    assert lines[0].endswith(found.recorded)
    told = {row["text"]: (row["verdict"], row["expected"]) for row in found.claims}
    assert told == {"It was asked": ("holds", "holds"), "It was not": ("unknown", "unknown")}
    assert {(row["recorded"], row["date"], row["provider"]) for row in found.claims} == {(True, "2026-11-29", "kind")}
    assert "1 unknown: not in the recording" in lines[-1]
    about = json.loads((tmp_path / "build" / "claims" / "one.json").read_text())
    assert (about["recorded"], about["date"], about["release"]) == (True, "2026-11-29", "v1.37.2")
    nb = nbformat.read(tmp_path / "build" / "notebooks" / "one.ipynb", as_version=4)
    assert nb.metadata["kitlib"]["recorded"] is True
    assert nb.metadata["kitlib"]["date"] == "2026-11-29"
    assert "deployment/web created" in str(nb.cells[1].outputs)
    assert nb.cells[2].outputs[0]["data"]["text/plain"] == "1"
    assert not (tmp_path / "build" / "recordings").exists()


VERSIONS = [
    "%load_ext kitlib\nimport kitlib\nfrom kitlib import claim, each, equal",
    "labs = kitlib.labs('one', '1.17', '1.36', '1.37')",
    "with labs['1.37'].step('begin'):\n    labs['1.37'].get('pod/web')",
    "spec = lambda lab: equal(lab.get('pod/web')['spec'], 1, what='it is', direct=True)",
    "since = dict(expected='changed', instead='it is another one', changed_in='1.37, https://kubernetes.io')",
    "claim('It says so', each(labs, spec), source='test', **since)",
    "variant = kitlib.open('one', kubernetes='1.37-audit')",
    "assert variant.get('pod/web')['spec'] == 3\nvariant.close()",
    "for lab in (labs['1.17'], labs['1.37']):\n    lab.close()",
]


def test_a_lesson_on_several_versions_has_each_from_its_own_recording(lesson, tmp_path, no_clusters):
    nb = new_notebook(cells=[new_code_cell(cell) for cell in VERSIONS])
    nbformat.write(nb, lesson / "notebooks" / "one.ipynb")
    (lesson / "recordings" / "one").rename(lesson / "recordings" / "was-one")
    for spec, (folder, version) in enumerate({"one": "1.17", "one-1.37": "1.37", "one-1.37-audit": "1.37"}.items(), 1):
        name = f"embedded-{folder.partition('-')[2] or version}"
        about = {**ABOUT, "cluster": name, "provider": "embedded", "version": version, "release": f"v{version}.2"}
        with Recording.create(lesson / "recordings" / folder, about) as recording:
            words = Words(recording, lesson / "notebooks")
            if folder == "one-1.37":
                recording.mark("STEP", "begin", edge="begin", id="1")
                words.get("pod/web")
                recording.mark("STEP", "begin", edge="end", id="1")
            words.spec = spec
            words.get("pod/web")
    (found,) = walk(["one"], None, tmp_path / "build", root=lesson, progress=False).notebooks
    assert found.problems == []
    assert found.recorded == "recording, embedded, Kubernetes 1.37.2, 2026-11-29"
    told = {row["version"]: (row["verdict"], row["why"]) for row in found.claims}
    assert {version: verdict for version, (verdict, _) in told.items()} == {
        "1.36": "unknown",
        "1.17": "holds",
        "1.37": "changed",
    }
    assert "nothing was recorded of it" in told["1.36"][1]


def test_another_manifest_is_not_taken_for_the_recorded_one(lesson, tmp_path):
    path = lesson / "notebooks" / "manifests" / "web.yaml"
    path.write_text(path.read_text().replace("name: web", "name: other"))
    (found,) = walk(None, None, tmp_path / "build", root=lesson, progress=False).notebooks
    assert [row["verdict"] for row in found.claims] == ["unknown", "unknown"]


def test_a_lesson_without_a_recording_is_not_run_and_says_why(lesson, tmp_path):
    (lesson / "recordings" / "one").rename(lesson / "recordings" / "two")
    (found,) = walk(None, None, tmp_path / "build", root=lesson, progress=False).notebooks
    assert found.skipped == "there is no recording of it"


def test_new_recordings_take_the_place_of_the_old_ones(lesson, tmp_path):
    build = tmp_path / "build" / "recordings"
    for name in ("one", "one-1.17", "one-more"):
        with Recording.create(build / name, ABOUT) as recording:
            recording.mark("STEP", name, edge="begin", id="1")
    (lesson / "recordings" / "one-1.16").mkdir()
    made = recordings.keep(tmp_path / "build", lesson, ["one"])
    assert [path.name for path in made] == ["one", "one-1.17"]
    assert sorted(path.name for path in (lesson / "recordings").iterdir()) == ["one", "one-1.17"]
    assert [row.name for row in Recording.open(lesson / "recordings" / "one").rows] == ["one"]


def test_recordings_together_stay_small():
    files = [path for path in (CHECKOUT / recordings.FOLDER).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 10_000_000


def test_a_lesson_of_the_kit_has_all_its_figures(tmp_path):
    (found,) = walk(["cronjob"], None, tmp_path, root=CHECKOUT, progress=False).notebooks
    assert found.problems == []
    assert found.complete
    figures = {}
    for name, folder in {"committed": CHECKOUT / "notebooks", "replayed": tmp_path / "notebooks"}.items():
        nb = nbformat.read(folder / "cronjob.ipynb", as_version=4)
        shown = [each for cell in nb.cells for each in cell.get("outputs", ()) if "image/png" in each.get("data", {})]
        figures[name] = len(shown)
    assert figures["replayed"] == figures["committed"] > 0
