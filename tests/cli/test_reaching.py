"""Which cluster a command means: as kitlib's own word, and as kubectl's plugin."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kitlib.cli import app
from kitlib.cli.reaching import PLUGIN
from tests.conftest import CHECKOUT

START = CHECKOUT / "recordings" / "start"
LIFECYCLE = CHECKOUT / "recordings" / "lifecycle"
NOBODY = "http://127.0.0.1:9"
"""Where no server listens: the port of a protocol that nobody speaks any more."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """A file whose current context is a server that doesn't answer."""
    context = {"name": "mine", "context": {"cluster": "one", "user": "", "namespace": "shop"}}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "mine", "contexts": [context],
        "clusters": [{"name": "one", "cluster": {"server": NOBODY}}], "users": [],
    }  # fmt: skip
    (tmp_path / "config").write_text(json.dumps(config))
    return tmp_path / "config"


def as_plugin(*words: object) -> object:
    return CliRunner().invoke(app, [str(each) for each in words], prog_name="kubectl", obj=PLUGIN)


@pytest.mark.parametrize("command", ["why", "record"])
def test_the_current_context_is_used_by_kubectls_plugin_alone(run, kubeconfig, monkeypatch, command: str) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    words = ("why", "deployment/web") if command == "why" else ("record", "--for", "1s", "--first-list", "1s")
    assert "127.0.0.1:9" in as_plugin(*words).stderr  # type: ignore[attr-defined]
    own = run(*words)
    assert own.exit_code == 3 and "127.0.0.1:9" not in own.stderr


def test_a_kubeconfig_that_is_named_means_its_current_context(run, kubeconfig, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "another"))  # and is put back, for the command sets it
    shown = run("why", "deployment/web", "--kubeconfig", kubeconfig)
    assert shown.exit_code == 3 and "127.0.0.1:9" in shown.stderr
    assert run("why", "deployment/web", "--kubeconfig", tmp_path / "none").exit_code == 2
    assert run("why", "deployment/web", "--kubeconfig", kubeconfig, "--cluster", "x").exit_code == 2


def test_the_plugins_are_installed_by_the_names_that_kubectl_looks_for() -> None:
    scripts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {"kubectl-why", "kubectl-record"} <= set(scripts)
    for name, place in scripts.items():
        module, _, function = place.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function)), name


def test_their_help_calls_them_as_they_are_called() -> None:
    assert "Usage: kubectl why " in as_plugin("why", "--help").stdout  # type: ignore[attr-defined]


def test_all_of_a_kind_are_asked_about_and_counted(run) -> None:
    shown = run("why", "pods", LIFECYCLE, "--at", "30s")
    assert shown.exit_code == 1
    last = shown.stdout.splitlines()[-1]
    assert " of kind Pod in " in last and last.endswith("are what they should be")
    told = json.loads(run("why", "pods", LIFECYCLE, "--at", "30s", "-o", "json").stdout)
    bad = [each for each in told["answers"] if each["state"] != "fine"]
    assert told["looked_at"] == len(told["answers"]) > len(bad) > 0
    assert all(each["subject"] in shown.stdout for each in bad)


def test_a_selector_chooses_among_them(run) -> None:
    everyone = json.loads(run("why", "pods", LIFECYCLE, "--at", "30s", "-o", "json").stdout)
    nobody = run("why", "pods", LIFECYCLE, "--at", "30s", "-l", "no-such-label", "-o", "json")
    rest = json.loads(run("why", "pods", LIFECYCLE, "--at", "30s", "-l", "!no-such-label", "-o", "json").stdout)
    assert (nobody.exit_code, json.loads(nobody.stdout)["looked_at"]) == (0, 0)
    assert rest["looked_at"] == everyone["looked_at"]


def test_plot_watches_a_cluster_that_is_named(run, kubeconfig, monkeypatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))  # and is put back, for the command sets it
    shown = run("plot", "--kubeconfig", kubeconfig, "--for", "1s", "--out", "x.png")
    assert shown.exit_code == 3 and "127.0.0.1:9" in shown.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("why", "web", LIFECYCLE), "names no object"),
        (("why", "pod/oom", LIFECYCLE, "-A"), "one object was named"),
        (("why", "pod/oom", LIFECYCLE, "-l", "a=b"), "one object was named"),
        (("why", "pods", LIFECYCLE, "-l", "a=("), "--selector: "),
        (("why", "pods", LIFECYCLE, "-A", "-n", "x"), "say two things"),
        (("record", "-A", "-n", "x"), "say two things"),
        (("plot", "--out", "x.png"), "nothing was named"),
        (("plot", START, "--out", "x.png", "--context", "x"), "a recording and a cluster"),
    ],
)
def test_a_wrong_call_is_told(run, words: tuple[object, ...], said: str) -> None:
    shown = run(*words)
    assert shown.exit_code == 2 and said in " ".join(shown.stderr.split())


def test_a_kind_and_a_name_apart_are_taken_as_kubectl_takes_them(run, kubeconfig, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    monkeypatch.chdir(tmp_path)
    assert "127.0.0.1:9" in as_plugin("why", "deploy", "web").stderr  # type: ignore[attr-defined]
    assert run("why", "deploy", "web.rec").exit_code == 8  # a recording that isn't there
    assert run("why", "pods", LIFECYCLE).exit_code in (0, 1)


def test_what_could_not_be_seen_of_a_kind_is_never_said_to_be_well(run) -> None:
    """A recording without Services, or a server that refuses to list them, says nothing of them."""
    shown = run("why", "services", LIFECYCLE)
    assert shown.exit_code == 1 and "can't be told" in shown.stdout
    told = json.loads(run("why", "services", LIFECYCLE, "-o", "json").stdout)
    assert told["not_seen"]["Service"] and told["answers"] == []
