"""Walking tiny notebooks: what fails a walk, what it says, and what it leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from kitlib.errors import UsageError
from kitlib.walk import (
    NotebookResult,
    WalkResult,
    checkout,
    kernel,
    output_problems,
    publish,
    reading_order,
    verdict_line,
    walk,
)
from kitlib.walk.lessons import without_places
from kitlib.walk.report import summary

REPOSITORY = Path(__file__).resolve().parents[2]
LEDGER = """
import json, os, pathlib
def ledger(name, *claims, complete=True):
    folder = pathlib.Path(os.environ["KITLIB_BUILD"]) / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"notebook": name, "complete": complete, "claims": list(claims)}))
def claim(id, verdict, expected="holds", **more):
    return {"id": id, "text": f"The claim {id}", "verdict": verdict, "expected": expected, "evidence": [], **more}
"""


@dataclass
class FakeCluster:
    """As much of a cluster as a walk needs; nothing runs."""

    name: str = "embedded-0.0"
    provider: str = "embedded"
    context: str = "kwok"
    made_by_kitlib: bool = False
    writable: bool = True

    def to_dict(self):
        return {"name": self.name, "provider": self.provider, "version": "0.0", "release": "v0.0.0"}


def notebook(*cells: str | tuple[str, list[str]], title: str = "Try things") -> nbformat.NotebookNode:
    nb = nbformat.v4.new_notebook()
    nb.cells.append(nbformat.v4.new_markdown_cell(f"# {title}"))
    for cell in cells:
        source, tags = (cell, []) if isinstance(cell, str) else cell
        nb.cells.append(nbformat.v4.new_code_cell(textwrap.dedent(source).strip(), metadata={"tags": tags}))
    return nb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with no notebook yet."""
    (tmp_path / "notebooks" / "manifests").mkdir(parents=True)
    (tmp_path / "notebooks" / "manifests" / "web.yaml").write_text("kind: Deployment\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\nnav:\n  - index.md\n  - Learn: [notebooks/one.ipynb]\n")
    return tmp_path


def put(project: Path, name: str, nb: nbformat.NotebookNode) -> None:
    nbformat.write(nb, project / "notebooks" / f"{name}.ipynb")


def run(project: Path, *names: str, **options) -> tuple[WalkResult, str]:
    lines: list[str] = []
    result = walk(list(names) or None, FakeCluster(), root=project, say=lines.append, **options)
    return result, "\n".join(lines)


def executed(result: WalkResult, index: int = 0) -> nbformat.NotebookNode:
    return nbformat.read(result.notebooks[index].path, as_version=4)


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
    assert result.notebooks[0].problems == ["claim 'a': fails, expected holds"]


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


def test_what_nbval_lets_pass_is_a_fault_and_what_is_tagged_is_none(project):
    cells = [
        ("!exit 3", "shell command ended with exit code 3: exit 3"),
        ("!exit 4\n!true", "shell command ended with exit code 4"),
        ("import warnings\nwarnings.warn('old')", "UserWarning: old"),
        ("import sys\nprint('hm', file=sys.stderr)", "wrote to standard error: hm"),
        ("!true", None),
        ("print('fine')", None),
        (("import sys\nprint('meant', file=sys.stderr)", ["stderr-expected"]), None),
        (("!exit 3", ["stderr-expected"]), None),
        (("1 / 0", ["raises-exception"]), None),
        (("1 / 1", ["raises-exception"]), "nothing was raised"),
    ]
    put(project, "one", notebook(LEDGER, *(cell for cell, _ in cells), "ledger('one')"))
    result, _ = run(project)
    assert result.notebooks[0].complete
    found = result.notebooks[0].output_problems
    assert output_problems(executed(result)) == found
    wanted = [(f"cell {number} (Try things)", trace) for number, (_, trace) in enumerate(cells, 2) if trace]
    assert len(found) == len(wanted), found
    for (place, trace), fault in zip(wanted, found, strict=True):
        assert fault.startswith(place) and trace in fault


@pytest.mark.slow
@pytest.mark.parametrize("magic", ["%nosuch", "%%nosuch\ntext"])
def test_a_magic_that_does_not_exist_fails_the_walk(project, magic):
    put(project, "one", notebook(LEDGER, magic, "ledger('one')"))
    result, said = run(project)
    assert not result.ok and "nosuch` not found" in said
    found = output_problems(executed(result))
    assert len(found) == 2 and "UsageError: " in found[0] and "not found" in found[0]
    assert found[1] == "cell 3 (Try things) was not run"


def test_an_error_output_and_a_cell_never_run_are_faults():
    nb = notebook("1 / 0", "2")
    nb.cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="\x1b[31mbad\x1b[0m", traceback=[])]
    nb.cells[1].execution_count = 1
    assert output_problems(nb) == ["cell 1 (Try things): E: bad", "cell 2 (Try things) was not run"]


def test_empty_outputs_do_not_reach_the_page(project):
    put(
        project,
        "one",
        notebook(
            LEDGER,
            """
            from IPython.display import display
            shown = display({'text/plain': 'half way'}, raw=True, display_id=True)
            shown.update({'text/plain': ''}, raw=True)
            ledger('one')
            """,
        ),
    )
    assert executed(run(project)[0]).cells[2].outputs == []


def test_publish_writes_no_path_of_this_machine(project):
    put(project, "one", notebook(LEDGER, "print(pathlib.Path.cwd() / 'x')\nledger('one')"))
    result, _ = run(project)
    written = publish(project / "build", project)
    assert written == [project / "notebooks" / "one.ipynb"]
    nb = nbformat.read(written[0], as_version=4)
    assert nb.cells[2].outputs[0].text.strip() == "build/notebooks/x"
    assert result.ok
    with pytest.raises(UsageError, match="no executed copy"):
        publish(project / "build", project, ["two"])


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("/home/dev/x and /home/dev", "~/x and ~"),
        ("first\n/clone/build/notebooks/x", "first\nbuild/notebooks/x"),
        ("\x1b[32m/clone/kitlib/a.py\x1b[0m:3", "\x1b[32m./kitlib/a.py\x1b[0m:3"),
        ("PosixPath('/home/dev/x')", "PosixPath('~/x')"),
        ("It is in /clone/build.", "It is in build."),
        ("file:///home/dev/x", "file://~/x"),
        ("/home/developer/x /home/dev-2 /home/dev.old", "/home/developer/x /home/dev-2 /home/dev.old"),
        ("https://x.example/home/dev/x", "https://x.example/home/dev/x"),
        ("https://kubernetes.io/docs/ a//b", "https://kubernetes.io/docs/ a//b"),
    ],
)
def test_only_whole_components_of_a_path_are_shortened_and_never_the_root(text, published):
    places = [(Path("/clone/build"), "build"), (Path("/clone"), "."), (Path("/home/dev"), "~"), (Path("/"), "~")]
    content = {"cells": [{"outputs": [{"text": text, "data": {"image/png": "/home/dev/"}}]}]}
    assert without_places(content, places) == {
        "cells": [{"outputs": [{"text": published, "data": {"image/png": "/home/dev/"}}]}]
    }


# Notebooks as people have them.


def test_a_cell_tagged_skip_execution_is_not_run_keeps_its_outputs_and_is_no_fault(project):
    nb = notebook(LEDGER, ("1 / 0", ["skip-execution"]), "ledger('one')")
    nb.cells[2].outputs = [nbformat.v4.new_output("stream", name="stderr", text="as it was")]
    put(project, "one", nb)
    result, said = run(project)
    assert result.ok, said
    done = executed(result)
    assert done.cells[2].outputs[0].text == "as it was" and done.cells[2].execution_count is None
    assert [done.cells[1].execution_count, done.cells[3].execution_count] == [1, 2]


@pytest.mark.parametrize(
    "notice",
    [
        "Matplotlib is building the font cache; this may take a moment.\n",
        "mkdir -p failed for path /x/.config/matplotlib: [Errno 2] No such file or directory: '/x'\n"
        "Matplotlib created a temporary cache directory at /tmp/m because there was an issue with the default path.\n",
        "UserWarning: IPython parent '/x' is not a writable location, using a temp directory.\n",
    ],
)
def test_what_matplotlib_and_ipython_say_of_their_own_folders_is_no_fault(notice):
    nb = notebook("plot()")
    nb.cells[1].execution_count = 1
    nb.cells[1].outputs = [nbformat.v4.new_output("stream", name="stderr", text=notice)]
    assert output_problems(nb) == []
    nb.cells[1].outputs[0].text += "DeprecationWarning: old\n"
    assert output_problems(nb) == ["cell 1 (Try things) wrote to standard error: DeprecationWarning: old"]


def test_where_the_home_cannot_be_written_to_the_kernels_folders_lie_in_the_build(tmp_path, monkeypatch):
    for name in ("MPLCONFIGDIR", "IPYTHONDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    environment = kernel.environment(FakeCluster(), tmp_path)
    for name in ("MPLCONFIGDIR", "IPYTHONDIR"):
        assert Path(environment[name]).is_relative_to(tmp_path) and Path(environment[name]).is_dir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert not {"MPLCONFIGDIR", "IPYTHONDIR"} & set(kernel.environment(FakeCluster(), tmp_path))
    assert not (tmp_path / "home").exists(), "looking leaves nothing behind"


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
from test_walk import FakeCluster
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
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    waiting = project / "build" / "notebooks" / "waiting"
    deadline = time.monotonic() + 60
    while not waiting.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert waiting.exists()
    kernel = int((waiting.parent / "pid").read_text())
    process.send_signal(name)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
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
