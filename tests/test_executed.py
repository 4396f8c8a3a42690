"""A lesson's executed copy feeds nbval: its comparison finds what differs, what failed and what was never run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbval.plugin import NbCellError
from xdist.remote import Producer

from tests import bylane
from tests.durations import Durations, room
from tests.executed import CHECKOUT, NOTEBOOKS, Executed, Kernel, Lesson, lessons, plan

V4 = nbformat.v4


def notebook(*outputs: list, run: bool = True) -> nbformat.NotebookNode:
    """Return a notebook whose cells have these outputs, all to be compared."""
    cells = []
    for number, each in enumerate(outputs, 1):
        cell = V4.new_code_cell("same()", outputs=each, execution_count=number if run else None)
        cell.metadata["tags"] = ["nbval-check-output"]
        cells.append(cell)
    return V4.new_notebook(cells=cells)


def said(text: str) -> list:
    return [V4.new_output("stream", name="stdout", text=text)]


@pytest.fixture
def cells(request: pytest.FixtureRequest, tmp_path: Path):
    """Return nbval's items for a committed notebook, and the copy of it that was executed."""

    def make(committed: nbformat.NotebookNode, copy: nbformat.NotebookNode) -> list:
        path = tmp_path / "lesson.ipynb"
        nbformat.write(committed, path)
        made = Executed.from_parent(request.session, path=path)
        made.executions = SimpleNamespace(  # type: ignore[assignment]
            copy=lambda name: copy, result=lambda name: {"problems": ["cell 1 failed"]}
        )
        items = list(made.collect())
        made.setup()
        return items

    return make


def test_the_same_outputs_pass_each_cell_by_its_own(cells):
    first, second = cells(notebook(said("one"), said("two")), notebook(said("one"), said("two")))
    first.runtest()
    second.runtest()


def test_what_differs_is_found(cells):
    first, second = cells(notebook(said("one"), said("two")), notebook(said("one"), said("three")))
    first.runtest()
    with pytest.raises(NbCellError, match="Cell outputs differ"):
        second.runtest()


def test_an_output_that_is_missing_is_found(cells):
    table = [V4.new_output("execute_result", data={"text/plain": "1"}, execution_count=1)]
    (cell,) = cells(notebook(table), notebook([]))
    with pytest.raises(NbCellError, match="Cell outputs differ"):
        cell.runtest()


def test_a_cell_that_failed_fails(cells):
    wrong = [V4.new_output("error", ename="ClaimError", evalue="fails", traceback=["ClaimError: fails"])]
    (cell,) = cells(notebook([]), notebook(wrong))
    with pytest.raises(NbCellError, match="caused an exception"):
        cell.runtest()


def test_a_cell_that_was_never_run_fails_with_the_reason(cells):
    (cell,) = cells(notebook([]), notebook([], run=False))
    with pytest.raises(RuntimeError, match="did not come to this cell: cell 1 failed"):
        cell.runtest()


def test_a_copy_with_other_cells_is_no_copy():
    with pytest.raises(RuntimeError, match="no such cell"):
        Kernel(notebook(said("one")), []).execute_cell_input("other()")


def lesson(name: str, cells: int, **what: bool) -> Lesson:
    usual = {"containers": True, "disturbs": False, "further": False, "own": False, "shares": False}
    return Lesson(name, cells, **{**usual, **what})


def test_lessons_that_lose_a_node_run_alone_and_those_with_further_clusters_in_one_process():
    chosen = [
        lesson("short", 3),
        lesson("loses", 9, disturbs=True),
        lesson("then", 5, further=True),
        lesson("long", 8),
        lesson("now", 6, further=True),
    ]
    assert plan(chosen) == ([["now", "then"], ["long"], ["short"]], [["loses"]])
    assert plan([*chosen, lesson("three", 99, further=True, own=True)])[0][-1] == ["three"]
    assert plan(chosen[:1]) == ([["short"]], [])


def test_it_is_read_from_the_lessons_what_they_do():
    found = lessons()
    assert found["controllers"].disturbs and found["static-pods"].disturbs
    assert not found["deployment"].disturbs and not found["start"].disturbs
    assert found["dns"].disturbs and found["events"].disturbs
    assert found["security"].further and found["preset"].further and not found["hooks"].further
    assert found["start"].claims == ("embedded", "kind") and found["pod"].claims == ("kind",)
    assert found["cluster-api"].claims == ("embedded",) and found["cluster-api"].further
    assert [name for name, one in found.items() if one.own] == ["cluster-api", "kube-vip"]
    assert found["kube-vip"].claims == ("kind",), "its nodes are real"
    assert not found["kube-vip"].shares and not found["kube-vip"].disturbs, "its cluster is its own"
    assert found["nginx"].shares, "its controller's kinds belong to no namespace"
    assert found["ingress"].shares, "a node has one port 80, and answers whoever asks by any lab's entry"
    assert not found["why"].shares and not found["dns"].shares


def test_a_lesson_that_asks_for_containers_says_so_where_a_walk_looks():
    """Or it would be walked on simulated nodes, too, and fail there."""
    for name, one in lessons().items():
        assert one.containers == ("containers=True" in (NOTEBOOKS / f"{name}.ipynb").read_text()), name


def report(nodeid: str, when: str, seconds: float, **more: object) -> SimpleNamespace:
    return SimpleNamespace(nodeid=nodeid, when=when, duration=seconds, user_properties=list(more.items()))


def test_where_the_time_went_is_told_by_room(tmp_path: Path):
    assert room("tests/machine/airgap/test_oci.py::test_one[a::b]@kind") == "machine/airgap"
    assert room("tests/test_layers.py::test_one") == "tests"
    assert room("notebooks/pod.ipynb::Cell 3") == "notebooks"
    durations = Durations(tmp_path / "build" / "durations.json")
    for when, seconds in (("setup", 2.0), ("call", 0.5), ("teardown", 0.25)):
        durations.pytest_runtest_logreport(report("tests/api/test_a.py::test", when, seconds))  # type: ignore[arg-type]
    durations.pytest_runtest_logreport(  # type: ignore[arg-type]
        report("notebooks/pod.ipynb::Cell 1", "setup", 9.0, lesson=("pod on kind", 62.0))
    )
    document = durations.document()
    assert document["rooms"]["api"] == {"count": 1, "setup": 2.2, "call": 0.5}
    assert list(document["rooms"]) == ["notebooks", "api"], "the longest first"
    assert document["lessons"] == {"pod on kind": 62.0}
    assert any(line.split() == ["api", "1", "2.2", "0.5"] for line in durations.lines())


def test_a_lane_goes_to_one_process_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tests = ["tests/a.py::one", "tests/b.py::two", "tests/a.py::three[x]", "notebooks/c.ipynb::Cell 0"]
    lanes = dict(zip(tests, ["kind", "b", "kind", "kind"], strict=True))
    monkeypatch.setenv(bylane.FILE, str(tmp_path / "lanes.json"))
    bylane.write_lanes(lanes)
    options = SimpleNamespace(loadscopereorder=False)
    config = SimpleNamespace(option=options, getvalue=lambda name: ["2*popen"])
    dealt: dict[str, list[str]] = {"0": [], "1": []}
    scheduler = bylane.ByLane(config, Producer("test", enabled=False))  # type: ignore[arg-type]
    for number in dealt:
        process = SimpleNamespace(
            gateway=SimpleNamespace(id=number),
            shutting_down=False,
            shutdown=lambda: None,
            send_runtest_some=lambda which, number=number: dealt[number].extend(tests[each] for each in which),
        )
        scheduler.add_node(Process(process))
        scheduler.add_node_collection(scheduler.nodes[-1], tests)
    scheduler.schedule()
    assert dealt == {"0": [tests[0], tests[2], tests[3]], "1": [tests[1]]}
    assert not list(tmp_path.iterdir()), "what was written down is read once"


class Process(SimpleNamespace):
    """A process that runs tests, as the scheduler knows it: by identity."""

    def __init__(self, of: SimpleNamespace) -> None:
        super().__init__(**vars(of))

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__  # type: ignore[assignment]


def test_exercises_that_make_what_no_namespace_holds_come_after_their_lessons() -> None:
    """Or they meet: an exercise's kinds went at its end, in mid-lesson; its entry answered a lesson's client."""
    files = ["tests/lessons/test_exercises.py", "tests/lessons/test_notebooks.py"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "kind", *files]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True).stdout.splitlines()
    lessons = max(at for at, line in enumerate(listed) if "on_three_nodes_with_containers_too" in line)
    places = {
        name: [at for at, line in enumerate(listed) if f"test_its_solution_solves_it[{name}-" in line]
        for name in ("traefik", "ingress", "dns")
    }
    for name in ("traefik", "ingress"):
        assert lessons < min(places[name]) and max(places[name]) < min(places["dns"]), "dns is another process's"
