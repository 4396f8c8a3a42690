"""Outputs of a walk: what is a fault in them, and what of them is published."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from kitlib.errors import UsageError
from kitlib.walk import kernel, output_problems, publish
from kitlib.walk.lessons import without_places
from tests.walk.projects import LEDGER, FakeCluster, executed, notebook, put, run


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
