"""Every notebook, run strictly on a live cluster; and notebooks that go wrong, which leave one message and no trace.

Each is executed once on each provider that it claims (tests/executed.py). nbval compares what came of it with what is
committed: `make test` gives it the folder notebooks/ in the same pytest run. What nbval lets pass, a magic that doesn't
exist or `!exit 3`, is a fault here (tests/walk/test_outputs.py has one of each).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest

from kitlib.errors import KitlibError
from kitlib.lab.nodes import PATIENCE
from kitlib.walk import ERROR_TAG, STDERR_TAG, reading_order, walk
from tests.conftest import CHECKOUT
from tests.executed import DEADLINE, NOTEBOOKS, lessons

KITLIB = Path(sys.executable).with_name("kitlib")
NAMES = sorted(lessons())
ANYWHERE = [name for name, lesson in lessons().items() if "embedded" in lesson.claims]
"""These run on simulated nodes, too."""
ON_KIND = [name for name, lesson in lessons().items() if "kind" in lesson.claims]


def state_of(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


BEFORE = state_of(NOTEBOOKS)


# As committed.


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_notebook_is_executed_and_clean(name):
    nb = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(nb)
    assert nb.metadata.kernelspec.name == "python3", "a kernel that everybody has"
    on = lessons()[name].committed_on
    assert nb.metadata.kitlib.provider == on, f"{name}: nbval compares it with outputs of {on}; walk it there"
    for number, cell in enumerate(nb.cells, 1):
        where = f"{name}, cell {number}"
        assert cell.source.strip(), f"{where} is empty"
        if cell.cell_type != "code":
            continue
        tags = set(cell.metadata.get("tags", []))
        assert not re.search(r"\b(kitlib\.labs|lab\.beside)\(", cell.source) or any(
            tag.startswith("timeout-") for tag in tags
        ), f"{where} may have to build an older Kubernetes: give it a tag timeout-SECONDS"
        assert not re.search(r"(\blab\.frames\.\w+)\[.*?\1", cell.source), (
            f"{where} makes a frame twice while it grows: select with .query"
        )
        assert "nbval-check-output" not in tags or not any(
            word in cell.source for word in ("lab.wait(", "lab.until(")
        ), f"{where} is compared by nbval, but says more where a wait takes long"
        deadlines = re.findall(r"lab\.(?:wait|until|wait_ready)\(.*\btimeout=(\d+)", cell.source)
        assert all(int(each) > PATIENCE for each in deadlines), f"{where} has less patience than a lab has anyway"
        assert "nbval-skip" not in tags and "NBVAL_SKIP" not in cell.source, f"{where}: no cell may be skipped"
        for output in cell.outputs:
            if output.output_type == "error":
                assert ERROR_TAG in tags, where
            if output.output_type == "stream" and output.name == "stderr":
                assert STDERR_TAG in tags, where
            assert "/ro" + "ot/" not in json.dumps(output), f"{where} shows a path of the machine it ran on"


def test_every_notebook_is_in_the_reading_order():
    nav = (CHECKOUT / "mkdocs.yml").read_text()
    for name in reading_order(CHECKOUT):
        assert f"notebooks/{name}.ipynb" in nav, f"{name} is not in mkdocs.yml's nav"


def test_manifests_are_yaml_and_used():
    import yaml

    text = "\n".join(path.read_text() for path in NOTEBOOKS.glob("*.ipynb"))
    for path in (NOTEBOOKS / "manifests").rglob("*.yaml"):
        assert all(isinstance(document, dict) for document in yaml.safe_load_all(path.read_text())), path
        assert path.stem in text, f"no notebook uses {path.name}"


# On the tests' clusters.


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(DEADLINE + 60)
@pytest.mark.parametrize("name", ANYWHERE)
def test_every_claim_is_as_expected_and_no_cell_goes_wrong_silently(on_embedded, name):
    is_right(on_embedded.result(name))


@pytest.mark.kind
@pytest.mark.slow
@pytest.mark.timeout(DEADLINE + 60)
@pytest.mark.parametrize("name", ON_KIND)
def test_on_three_nodes_with_containers_too(on_kind, name):
    is_right(on_kind.result(name))


def is_right(result):
    """See a notebook that ran to its end, and each claim's verdict as expected."""
    name, path = result["name"], Path(result.get("path", ""))
    assert result["problems"] == []
    assert result["complete"] and result["cellsRun"] == result["cells"]
    assert len(result["claims"]) >= {"deployment": 20}.get(name, 1)
    ledger = json.loads((path.parent.parent / "claims" / f"{name}.json").read_text())
    for row in ledger["claims"]:
        wanted = {"id", "notebook", "text", "source", "verdict", "expected", "evidence", "version", "provider", "date"}
        assert wanted <= set(row), row
        assert row["verdict"] in ("holds", "fails", "changed", "unknown")
        if row["verdict"] == "fails":
            assert row["instead"], f"{row['id']}: what is true instead?"


@pytest.mark.live
@pytest.mark.slow
def test_the_checkout_is_not_changed(walked_site):
    assert state_of(NOTEBOOKS) == BEFORE


@pytest.mark.live
@pytest.mark.slow
def test_a_walk_leaves_no_namespace(walked_site, connection):
    assert [name for name, left in left_behind(connection) if left and not name.startswith("kitlib-test-")] == []


@pytest.mark.live
@pytest.mark.slow
def test_the_site_holds_figure_and_ledger(walked_site):
    ledger = json.loads((walked_site / "ledger.json").read_text())
    assert sum(row["notebook"] == "deployment" for row in ledger["claims"]) >= 20
    assert all(row["verdict"] == row["expected"] for row in ledger["claims"])
    page = (walked_site / "notebooks" / "deployment.html").read_text()
    assert "<img" in page and "kitlib-claim" in page


# Notebooks that go wrong.


def left_behind(connection) -> list[tuple[str, bool]]:
    """Return the namespaces of notebooks, and whether each stays."""
    items = connection.get("/api/v1/namespaces", {"labelSelector": "kitlib/notebook"})["items"]
    return [(item["metadata"]["name"], "deletionTimestamp" not in item["metadata"]) for item in items]


def planted(tmp_path: Path, name: str, *cells: str) -> Path:
    """Write a notebook that is none of ours."""
    nb = nbformat.v4.new_notebook()
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.cells.append(nbformat.v4.new_markdown_cell(f"# {name.title()}"))
    nb.cells += [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    path = tmp_path / f"{name}.ipynb"
    nbformat.write(nb, path)
    return path


OPEN = "%load_ext kitlib\nimport kitlib\nfrom kitlib import claim, equal"


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize(
    ("claim", "code", "said"),
    [
        ("claim('Two is two', equal(2, 2), source='arithmetic')", 0, "✓ holds    Two is two"),
        ("claim('Two is three', equal(2, 3), source='arithmetic')", 1, "✗ fails    Two is three"),
        ("claim('Two is two', equal(2, 2), source='arithmetic', expected='fails', instead='?')", 1, "✗ holds"),
    ],
)
def test_a_planted_claim_decides_the_exit_code(cluster, tmp_path, claim, code, said):
    path = planted(tmp_path, "planted", OPEN, "lab = kitlib.open('planted')", claim, "lab.close()")
    done = subprocess.run(
        [KITLIB, "walk", path, "--no-site", "--build", tmp_path / "build"],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.live
@pytest.mark.slow
def test_nbval_fails_a_planted_wrong_claim(cluster, tmp_path):
    wrong = "claim('Two is three', equal(2, 3), source='arithmetic')"
    path = planted(tmp_path, "planted", OPEN, "lab = kitlib.open('planted')", wrong, "lab.close()")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval-lax",
        "--nbval-current-env",
        path,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "KITLIB_BUILD": str(tmp_path / "build")},
    )
    assert done.returncode == 1, done.stdout
    assert "Two is three" in done.stdout


@pytest.mark.live
@pytest.mark.slow
def test_a_claim_that_was_never_reached_fails_the_walk(cluster, tmp_path):
    """A notebook that ends before its ledger tested fewer claims than it makes."""
    path = planted(tmp_path, "planted", OPEN, "lab = kitlib.open('planted')")
    result = walk([str(path)], cluster, tmp_path / "build", root=CHECKOUT)
    assert not result.ok and "before its ledger was complete" in result.notebooks[0].problems[0]


class NoCluster:
    """The name of a cluster that does not run."""

    name = "none-such"
    provider = "embedded"
    context = "none-such"
    made_by_kitlib = False
    writable = True

    def to_dict(self) -> dict:
        return {"name": self.name}


@pytest.mark.slow
def test_a_notebook_without_a_cluster_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    lines: list[str] = []
    result = walk(["start"], NoCluster(), tmp_path / "build", root=CHECKOUT, say=lines.append)  # type: ignore[arg-type]
    said = "\n".join(lines)
    assert not result.ok
    assert "none-such" in said and "kitlib up" in said
    assert not list((tmp_path / "build").rglob("*.parquet")), "nothing is left behind"


@pytest.mark.live
@pytest.mark.slow
def test_a_notebook_killed_in_the_middle_is_swept_up(cluster, connection, tmp_path):
    path = planted(
        tmp_path,
        "killed",
        OPEN,
        "lab = kitlib.open('killed')",
        """
        import os
        print(lab.namespace, flush=True)
        os.kill(os.getpid(), 9)
        """,
    )
    result = walk([str(path)], cluster, tmp_path / "build", root=CHECKOUT)
    assert "the kernel died in cell 3" in result.notebooks[0].problems[0]
    assert not [name for name, stays in left_behind(connection) if stays and name.startswith("kitlib-killed-")]


CRASH = """
import os, kitlib
lab = kitlib.open("crashed")
print(lab.namespace, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.live
def test_the_next_up_sweeps_what_a_crash_left(cluster, connection, tmp_path):
    environment = {**os.environ, "KITLIB_CLUSTER": cluster.name, "KITLIB_BUILD": str(tmp_path)}
    for _ in range(5):  # a lesson that ends beside this test sweeps, too: it may have been first
        command = [sys.executable, "-c", CRASH]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        namespace = done.stdout.strip().splitlines()[-1]
        assert done.returncode == -9
        stood = (namespace, True) in left_behind(connection)
        up = subprocess.run([KITLIB, "up"], capture_output=True, text=True, check=False)
        assert up.returncode == 0 and (namespace, True) not in left_behind(connection)
        if namespace in up.stderr:
            break
    assert stood and namespace in up.stderr


@pytest.mark.live
def test_a_live_labs_namespace_is_not_swept(cluster, connection, tmp_path, monkeypatch):
    from kitlib.cluster import namespaces

    made = namespaces.create(connection, "test")
    try:
        assert made not in namespaces.sweep(connection)
        assert (made, True) in left_behind(connection)
    finally:
        namespaces.delete(connection, made, timeout=None)


def test_a_notebook_that_is_no_notebook_is_said(tmp_path):
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    with pytest.raises(KitlibError, match="can't be read"):
        walk([str(broken)], NoCluster(), tmp_path / "build", root=CHECKOUT)  # type: ignore[arg-type]
