"""Walking tiny notebooks: what fails a walk, what it says, and what it leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from kitlib.errors import UsageError
from kitlib.walk import (
    NotebookResult,
    WalkResult,
    checkout,
    reading_order,
    verdict_line,
    walk,
)
from kitlib.walk.report import summary
from tests.walk.projects import LEDGER, FakeCluster, executed, notebook, put, run

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_good_notebook_passes_and_leaves_the_checkout_alone(project):
    put(
        project,
        "one",
        notebook(
            LEDGER,
            "print(pathlib.Path('manifests/web.yaml').read_text())",
            "ledger('one', claim('a', 'holds'), complete=False)",
            "ledger('one', claim('a', 'holds'), claim('b', 'fails', 'fails', instead='the opposite'))",
        ),
    )
    before = sorted((path, path.stat().st_mtime_ns) for path in (project / "notebooks").rglob("*"))
    result, said = run(project)
    assert result.ok and result.exit_code == 0, said
    assert [row["id"] for row in result.claims] == ["a", "b"]
    assert "✓ holds" in said and "✓ fails" in said and "true is: the opposite" in said
    assert said.index("claim a") < said.index("claim b"), "verdicts come in order, each once"
    assert said.count("The claim a") == 1
    assert "2 of 2 claims as expected" in said
    assert before == sorted((path, path.stat().st_mtime_ns) for path in (project / "notebooks").rglob("*"))
    nb = executed(result)
    assert result.notebooks[0].path == project / "build" / "notebooks" / "one.ipynb"
    assert nb.cells[2].outputs[0].text.startswith("kind: Deployment")
    assert nb.metadata.kitlib.provider == "embedded"


def test_the_notebook_is_told_where_it_is(project):
    put(
        project,
        "one",
        notebook(LEDGER, "print(os.environ['KITLIB_CLUSTER'], os.environ['KITLIB_BUILD'])\nledger('one')"),
    )
    result, _ = run(project)
    assert executed(result).cells[2].outputs[0].text.split() == ["embedded-0.0", str(project / "build")]


@pytest.mark.slow
def test_a_cluster_of_the_users_own_is_passed_by_its_context(project):
    put(
        project,
        "one",
        notebook(
            LEDGER,
            "print(os.environ['KITLIB_CONTEXT'], os.environ['KITLIB_YES_WRITE'], os.environ.get('KITLIB_CLUSTER'))",
            "ledger('one')",
        ),
    )
    mine = FakeCluster(name="mine", provider="context", context="mine")
    result = walk(None, mine, root=project, progress=False)
    assert executed(result).cells[2].outputs[0].text.split() == ["mine", "1", "None"]


def test_an_unexpected_verdict_fails_the_walk(project):
    put(project, "one", notebook(LEDGER, "ledger('one', claim('a', 'fails', why='two Pods were missing'))"))
    result, said = run(project)
    assert result.exit_code == 1
    assert "✗ fails" in said and "expected: holds. two Pods were missing" in said
    assert result.notebooks[0].problems == ["claim 'a': fails, expected holds; two Pods were missing"]


@pytest.mark.slow
def test_a_claim_that_is_expected_to_fail_and_holds_fails_the_walk(project):
    put(project, "one", notebook(LEDGER, "ledger('one', claim('a', 'holds', 'fails'))"))
    assert run(project)[0].exit_code == 1


@pytest.mark.parametrize("last", ["pass", "ledger('one', claim('a', 'holds'), complete=False)"])
def test_a_notebook_without_its_whole_ledger_fails(project, last):
    put(project, "one", notebook(LEDGER, last))
    result, said = run(project)
    assert not result.ok and "before its ledger was complete" in said


@pytest.mark.slow
def test_a_ledger_of_an_earlier_run_does_not_count(project):
    put(project, "one", notebook(LEDGER, "ledger('one', claim('a', 'holds'))"))
    assert run(project)[0].ok
    put(project, "one", notebook("1 + 1"))
    result, _ = run(project)
    assert not result.ok and not result.claims


def test_a_failed_cell_is_shown_whole_and_what_ran_is_kept(project):
    put(
        project,
        "one",
        notebook(LEDGER, "ledger('one', claim('a', 'holds'), complete=False)", "answer = 6 * 7\n1 / 0", "never = 1"),
    )
    put(project, "two", notebook(LEDGER, "ledger('two')"))
    result, said = run(project)
    assert result.exit_code == 1
    assert "cell 3 (Try things) failed" in said and "| answer = 6 * 7" in said
    assert "ZeroDivisionError: division by zero" in said and "\x1b[" not in said
    assert [row["id"] for row in result.claims] == ["a"], "what was claimed before it failed is kept"
    assert result.notebooks[0].cells_run == 2
    assert executed(result).cells[3].outputs[0].ename == "ZeroDivisionError"
    assert executed(result).cells[4].execution_count is None
    assert result.notebooks[1].ok, "the walk goes on with the next notebook"


@pytest.mark.slow
def test_a_dead_kernel_is_said(project):
    put(project, "one", notebook(LEDGER, "os.kill(os.getpid(), 9)"))
    result, said = run(project)
    assert not result.ok and "the kernel died in cell 2" in said


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_stopped(project):
    put(project, "one", notebook("import threading\nthreading.Event().wait()"))
    began = time.monotonic()
    result, said = run(project, timeout=1)
    assert not result.ok and "cell 1 (Try things) took longer than 1.0 s" in said
    assert time.monotonic() - began < 30


@pytest.mark.slow
def test_a_tag_gives_a_cell_more_time(project):
    put(project, "one", notebook(LEDGER, ("import time\ntime.sleep(1.5)\nledger('one')", ["timeout-60"])))
    assert run(project, timeout=1)[0].ok


@pytest.mark.slow
def test_a_walk_can_be_called_where_an_event_loop_runs(project):
    put(project, "one", notebook(LEDGER, "ledger('one')"))

    async def call():
        return run(project)[0]

    # In a thread: the browser's tests leave a loop of their own running in the main one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(call())).result().ok


@pytest.mark.slow
def test_only_the_named_notebooks_run(project):
    put(project, "one", notebook(LEDGER, "ledger('one')"))
    put(project, "two", notebook(LEDGER, "ledger('two')"))
    result, _ = run(project, "two")
    assert [item.name for item in result.notebooks] == ["two"]
    with pytest.raises(UsageError, match="no notebook 'three'") as caught:
        run(project, "three")
    assert "one, two" in str(caught.value)


def test_reading_order_is_that_of_the_nav(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ("aaa", "zeta", "start", "alpha"):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    (tmp_path / "mkdocs.yml").write_text(
        "markdown_extensions:\n  - x: !!python/name:material.x\n  - y: !ENV [A, b]\n"
        "nav:\n  - index.md\n  - Start: notebooks/start.ipynb\n  - More:\n      - notebooks/zeta.ipynb\n"
        "      - Gone: notebooks/gone.ipynb\n"
    )
    assert reading_order(tmp_path) == ["start", "zeta", "aaa", "alpha"]


def test_checkout_is_found_from_below(project, monkeypatch):
    monkeypatch.chdir(project / "notebooks" / "manifests")
    assert checkout() == project.resolve()


# What nbval lets pass. The notebooks are really executed, since that is what leaves the traces.


def test_verdict_line_names_what_was_expected():
    assert verdict_line({"text": "T", "verdict": "unknown", "expected": "holds", "why": "a gap"}).splitlines() == [
        "  ✗ unknown  T",
        "             expected: holds. a gap",
    ]
    row = {"text": "T", "verdict": "changed", "expected": "changed", "version": "1.37", "answers": {"1.17": "holds"}}
    assert verdict_line(row) == "  ✓ changed  T (1.37)"


def test_a_result_as_values_for_programs():
    result = WalkResult([NotebookResult("one", Path("x"), claims=[{"id": "a", "verdict": "holds", "evidence": [1]}])])
    document = json.loads(json.dumps(result.to_dict()))
    assert document["ok"] is False
    assert document["notebooks"][0]["claims"] == [{"id": "a", "verdict": "holds"}]


STOPPED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from projects import FakeCluster
from kitlib.walk import walk
try:
    walk(None, FakeCluster(), root=Path({project!r}))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_ran_and_ends_the_kernel(project, name):
    put(
        project,
        "one",
        notebook(
            LEDGER,
            "pathlib.Path('pid').write_text(str(os.getpid()))\nprint('before')",
            "import threading\npathlib.Path('waiting').touch()\nthreading.Event().wait()",
        ),
    )
    code = STOPPED.format(tests=str(Path(__file__).parent), project=str(project))
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, text=True, start_new_session=True)
    waiting = project / "build" / "notebooks" / "waiting"
    deadline = time.monotonic() + 60
    while not waiting.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert waiting.exists()
    kernel = int((waiting.parent / "pid").read_text())
    process.send_signal(name)
    said, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "IPKernelApp" not in told, "nor does the kernel call it an error of its own"
    assert "stopped; executed so far" in said
    nb = nbformat.read(waiting.parent / "one.ipynb", as_version=4)
    assert nb.cells[2].outputs[0].text == "before\n"
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_what_was_not_run_for_want_of_containers_is_said_with_what_to_do():
    skipped = NotebookResult("pod", Path("pod.ipynb"), skipped="it needs containers that really run")
    ran = NotebookResult("start", Path("start.ipynb"))
    said = summary(WalkResult(cluster={}, notebooks=[ran, skipped]))
    assert "not run: pod" in said and "  Next: `kitlib up --provider kind`" in said and "kitlib doctor" in said
    assert "Next:" not in summary(WalkResult(cluster={}, notebooks=[ran]))
