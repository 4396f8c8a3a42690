"""The command line: exit codes, JSON, help, and one clear message instead of a traceback."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from kitlib import errors
from kitlib.cli import EXIT_CODES, lessons
from kitlib.cli.app import EPILOG
from kitlib.cli.reference import commands
from kitlib.machine import lock
from kitlib.progress import ticking

CHECKOUT = Path(__file__).resolve().parents[2]
KITLIB = Path(sys.executable).with_name("kitlib")
COMMANDS = ["up", "down", "status", "doctor", "walk", "lab", "record", "plot", "verify", "why", "diff"]


def call(*args: str, **more: str) -> subprocess.CompletedProcess:
    """Run a command in a process of its own."""
    return subprocess.run(
        [KITLIB, *args], capture_output=True, text=True, check=False, env={**os.environ, **more}, cwd=CHECKOUT
    )


def test_help_teaches_and_is_quick():
    began = os.times()
    done = call("--help")
    ended = os.times()
    # Processor time: what others do on this machine at the same time doesn't count.
    spent = ended.children_user - began.children_user + ended.children_system - began.children_system
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert "A first session:" in done.stdout and "Exit codes:" in done.stdout
    assert spent < 0.5, f"{spent:.2f} s"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    shown = run(command, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.stdout
    if command != "down":
        assert "Examples:" in shown.stdout


def test_the_reference_tells_every_command():
    told = commands()
    for command in COMMANDS:
        assert f"## kitlib {command}\n" in told and f"Usage: kitlib {command}" in told


def test_exit_codes_are_those_of_the_errors():
    children = [errors.KitlibError, *errors.KitlibError.__subclasses__()]
    assert {child.exit_code for child in children} | {0, 130} == set(EXIT_CODES)
    assert all(str(code) in EPILOG for code in EXIT_CODES)


@pytest.mark.parametrize("kind", [errors.KitlibError, *errors.KitlibError.__subclasses__()])
def test_an_error_is_one_message_and_its_code(run, monkeypatch, kind):
    def fail(*_, **__):
        raise kind("it broke", step="look", object="deployment/web", next="try this")

    monkeypatch.setattr("kitlib.cluster.clusters", fail)
    shown = run("status")
    assert shown.exit_code == kind.exit_code
    assert shown.stderr == "kitlib: look deployment/web: it broke\n  Next: try this\n"
    assert shown.stdout == ""
    monkeypatch.setenv("KITLIB_DEBUG", "1")
    assert isinstance(run("status").exception, kind), "KITLIB_DEBUG=1 lets the traceback through"


def test_ctrl_c_is_one_line_and_130(run, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("kitlib.cluster.clusters", interrupt)
    shown = run("status")
    assert shown.exit_code == 130
    assert len(shown.stderr.splitlines()) == 1 and "interrupted" in shown.stderr


def test_a_full_disk_is_said(run, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/big")

    monkeypatch.setattr("kitlib.cluster.clusters", full)
    shown = run("status")
    assert shown.exit_code == 1
    assert "/somewhere/big: No space left on device" in shown.stderr and "Next: make room" in shown.stderr


def test_down_says_whether_there_was_anything(run, monkeypatch):
    monkeypatch.setattr("kitlib.machine.airgap.engine.down", lambda *_: False)
    shown = run("down")
    assert shown.exit_code == 0 and shown.output == "Nothing that kitlib brought up is there.\n"
    monkeypatch.setattr("kitlib.machine.airgap.engine.down", lambda *_: True)
    assert run("down").output == "Everything that kitlib brought up is gone.\n"


def test_a_mistyped_cluster_is_told_those_that_run(run, monkeypatch):
    monkeypatch.setattr("kitlib.cluster.lifecycle.clusters", lambda: [Fake("embedded-1.37")])
    shown = run("status", "embeded")
    assert shown.exit_code == 3 and "'embeded'.\n  Next: use one of: embedded-1.37" in shown.stderr


@pytest.mark.parametrize("place", ["KITLIB_BUILD", "--build"])
def test_a_walk_leaves_its_copies_where_it_is_told(walked, tmp_path, monkeypatch, place):
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path / "elsewhere"))
    walked(True, *(["--build", str(tmp_path / "named")] if place == "--build" else []))
    assert walked.builds == [tmp_path / ("named" if place == "--build" else "elsewhere")]


def test_a_bug_is_not_hidden(run, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("kitlib.cluster.clusters", broken)
    assert isinstance(run("status").exception, RuntimeError)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nonsense"], 2, "No such command"),
        (["up", "--nodes", "0"], 2, "--nodes"),
        (["up", "--kubernetes", "0.9"], 2, "Next:"),
        (["up", "--provider", "cloud"], 2, "use one of"),
        (["status", "none-such"], 3, "kitlib up"),
        (["status"], 3, "kitlib up"),
        (["down", "none-such"], 3, "none-such"),
        (["walk", "none-such"], 2, "choose from"),
        (["walk", "--yes-write"], 2, "--context NAME"),
        (["walk", "--context", "none-such"], 2, "none-such"),
        (["walk", "--context", "x", "--provider", "embedded"], 2, "--context names a cluster"),
        (["lab", "none-such"], 2, "no notebook"),
        (["record"], 3, "kitlib up"),
        (["record", "--context", "a", "--cluster", "b"], 2, "two clusters"),
        (["plot", "none-such", "--out", "x.png"], 8, "none-such"),
        (["plot", "none-such", "--out", "x.txt"], 2, ".png"),
    ],
)
def test_bad_input_names_the_next_step(run, monkeypatch, arguments, code, said):
    if arguments[0] == "walk" and arguments[-1] == "none-such" and len(arguments) == 2:
        monkeypatch.setattr(lessons, "use", lambda *_: Fake())
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    shown = run(*arguments)
    assert shown.exit_code == code, shown.output
    assert said in shown.stderr
    assert "Traceback" not in shown.output


def test_nothing_is_left_by_wrong_calls(run, tmp_path):
    run("record")
    run("plot", "none-such", "--out", "x.png")
    run("record", "--context", "none-such")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == set()


def test_down_with_nothing_to_do_is_fine(run):
    assert run("down").exit_code == 0
    quiet = run("down", "--quiet")
    assert quiet.exit_code == 0 and quiet.output == ""


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_down_says_that_it_waits_unless_it_is_to_be_quiet(run, tmp_path, monkeypatch, quiet, named):
    (tmp_path / "state" / "clusters" / "embedded-1.37").mkdir(parents=True)
    other = lock.FileLock(tmp_path / "state" / "clusters" / ".embedded-1.37.lock", "test")
    other.__enter__()

    class Let(lock.Progress):
        """Has the other process let go as soon as it is told of."""

        def __enter__(self):
            other.__exit__()
            return super().__enter__()

    monkeypatch.setattr(lock, "Progress", Let)
    done = run("down", *(["embedded-1.37"] if named else []), *(["--quiet"] if quiet else []))
    assert done.exit_code == 0 and not (tmp_path / "state" / "clusters" / "embedded-1.37").exists()
    assert ("wait for another process" in done.output) is not quiet
    assert not quiet or done.output == ""


def test_status_as_json_is_a_list(run):
    shown = run("status", "--output", "json")
    assert shown.exit_code == 3 and json.loads(shown.stdout) == []


def test_doctor_as_json(run):
    shown = run("doctor", "-o", "json")
    findings = json.loads(shown.stdout)
    assert {"name", "state", "detail", "needed_for", "todo"} == set(findings[0])
    assert any(finding["name"] == "Python" for finding in findings)
    text = run("doctor")
    assert "✓ Python" in text.stdout and text.exit_code in (0, 3)


@dataclass
class Fake:
    """A cluster that a walk does not really use."""

    name: str = "embedded-0.0"
    provider: str = "embedded"
    context: str = "x"
    made_by_kitlib: bool = False
    writable: bool = True

    def to_dict(self) -> dict:
        return {"name": self.name}


@pytest.fixture
def walked(run, monkeypatch, tmp_path):
    """Run `kitlib walk` where the walk itself is played."""
    from kitlib import walk as walking

    def play(ok: bool, *arguments: str, cluster: Fake | None = None):
        claims = [{"id": "a", "text": "A", "verdict": "holds" if ok else "fails", "expected": "holds", "evidence": [1]}]
        result = walking.WalkResult(
            [walking.NotebookResult("one", tmp_path / "one.ipynb", claims=claims, complete=True)], {"name": "x"}
        )
        monkeypatch.setattr(lessons, "use", lambda *_: cluster or Fake())
        monkeypatch.setattr(lessons, "_lessons", lambda *_: tmp_path)
        monkeypatch.setattr(walking, "walk", lambda _, __, build, **___: play.builds.append(build) or result)
        built: list[Path] = []
        monkeypatch.setattr("kitlib.site.build", lambda root, build, out: built.append(out) or out / "index.html")
        return run("walk", *arguments), built

    play.builds = []
    return play


def test_walk_ends_with_the_site(walked, tmp_path):
    shown, built = walked(True)
    assert shown.exit_code == 0 and "Site: site/index.html" in shown.stdout
    assert built == [tmp_path / "site"]


def test_walk_that_fails_writes_no_site(walked):
    shown, built = walked(False)
    assert shown.exit_code == 1 and not built
    assert "no site was written" in shown.stderr


@pytest.mark.parametrize("ok", [True, False])
def test_walk_as_json(walked, ok):
    shown, _ = walked(ok, "--output", "json")
    document = json.loads(shown.stdout)
    assert document["ok"] is ok and shown.exit_code == (0 if ok else 1)
    assert document["notebooks"][0]["claims"][0]["verdict"] == ("holds" if ok else "fails")
    assert ("site" in document) is ok


def test_walk_refuses_a_cluster_that_was_only_named(walked):
    shown, _ = walked(True, "--context", "prod", cluster=Fake(provider="context", writable=False))
    assert shown.exit_code == 4 and "--yes-write" in shown.stderr


def brought_up(monkeypatch: pytest.MonkeyPatch, *, stopped: bool = False) -> list[str]:
    """Play a walk whose notebook brings two clusters up, one of which was there before; return what is taken down."""
    from kitlib import cluster as clusters
    from kitlib import walk as walking

    there, down = ["embedded-1.37", "embedded-1.17"], []

    def walk(*_, **__):
        there.append("embedded-1.17-psp")
        with Path(os.environ["KITLIB_BROUGHT_UP"]).open("a") as file:
            file.write("embedded-1.17\nembedded-1.17-psp\n")
        there.append("kind-1.37")  # another shell's
        if stopped:
            raise KeyboardInterrupt
        return walking.WalkResult([walking.NotebookResult("one", Path("one.ipynb"), complete=True)], {"name": "x"})

    monkeypatch.setattr(clusters, "clusters", lambda: [Fake(name) for name in there])
    monkeypatch.setattr(clusters.record, "names", lambda: there)
    monkeypatch.setattr(clusters, "down", lambda name: down.append(name))
    monkeypatch.setattr(lessons, "use", lambda *_: Fake())
    monkeypatch.setattr(lessons, "_lessons", lambda *_: Path.cwd())
    monkeypatch.setattr(walking, "walk", walk)
    return down


def test_walk_takes_down_what_its_notebooks_brought_up_and_nothing_else(run, monkeypatch):
    down = brought_up(monkeypatch)
    shown = run("walk", "--no-site")
    assert shown.exit_code == 0, shown.output
    assert down == ["embedded-1.17-psp"]
    assert "embedded-1.17-psp (--keep leaves" in shown.stderr and "KITLIB_BROUGHT_UP" not in os.environ


def test_walk_that_is_stopped_takes_it_down_too(run, monkeypatch):
    down = brought_up(monkeypatch, stopped=True)
    assert run("walk").exit_code == 130
    assert down == ["embedded-1.17-psp"]


def test_walk_keeps_it_where_told(run, monkeypatch, tmp_path):
    monkeypatch.setenv("KITLIB_BROUGHT_UP", str(tmp_path / "unread"))
    down = brought_up(monkeypatch)
    assert run("walk", "--no-site", "--keep").exit_code == 0
    assert down == []


def test_walk_tells_a_mistyped_lesson_before_it_brings_up_a_cluster(run, monkeypatch):
    (Path.cwd() / "notebooks").mkdir()
    (Path.cwd() / "notebooks" / "start.ipynb").touch()
    (Path.cwd() / "mkdocs.yml").write_text("site_name: x\nnav: [notebooks/start.ipynb]\n")
    monkeypatch.setattr(lessons, "use", lambda *_: pytest.fail("a cluster was brought up"))
    shown = run("walk", "strat")
    assert shown.exit_code == 2 and "no notebook 'strat'" in shown.stderr and "start" in shown.stderr, shown.output


def test_progress_moves_while_the_site_is_built():
    class Bar:
        moved = threading.Event()

        def update(self):
            self.moved.set()

    bar = Bar()
    with ticking(bar.update):
        assert bar.moved.wait(30)
    bar.moved.clear()
    assert not bar.moved.wait(1.5), "it ends with the block"


def test_typer_exits_pass_through():
    with pytest.raises(typer.Exit):
        raise typer.Exit(3)


# On the tests' cluster.


@pytest.mark.live
def test_up_and_status_on_a_running_cluster(cluster):
    shown = call("up", "--output", "json")
    document = json.loads(shown.stdout)
    assert shown.returncode == 0 and document["name"] == cluster.name and document["made_by_kitlib"] is True
    shown = call("status", "-o", "json")
    assert shown.returncode == 0
    assert cluster.name in [entry["name"] for entry in json.loads(shown.stdout)]  # a walk may have others up
    assert cluster.release in call("status").stdout


@pytest.mark.live
def test_a_named_context_is_read_but_not_written(cluster, tmp_path):
    mine = {"KUBECONFIG": str(cluster.kubeconfig), "KITLIB_STATE": str(tmp_path)}
    refused = call("walk", "start", "--context", cluster.context, **mine)
    assert refused.returncode == 4 and "--yes-write" in refused.stderr
    out = tmp_path / "read.rec"
    shown = call("record", "--context", cluster.context, "--for", "1", "-n", "default", "--out", str(out), **mine)
    assert shown.returncode == 0 and "0 gaps" in shown.stdout
