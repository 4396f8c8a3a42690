"""`kitlib completion`: bash itself completes commands, options, lessons, kinds, figures, clusters and contexts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kitlib.machine.versions import NODE_IMAGES

CHECKOUT = Path(__file__).resolve().parents[2]
ASK = r"""
source <(kitlib completion bash) || exit 1
while IFS= read -r line; do
    IFS=$'\t' read -r -a COMP_WORDS <<< "$line"
    [ "${line: -1}" = $'\t' ] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _kitlib_completion kitlib
    echo "${COMPREPLY[@]}"
done
"""
LINES = {
    ("d",): {"diff", "doctor", "down"},
    ("record", "--na"): {"--namespace"},
    ("walk", "st"): {"start", "statefulset", "static-pods"},
    ("lab", "dep"): {"deployment"},
    ("plot", "--figure", "l"): {"lanes"},
    ("down", "emb"): {"embedded-1.37"},
    ("status", ""): {"embedded-1.37", "kind-1.37"},
    ("record", "--cluster", "k"): {"kind-1.37"},
    ("record", "--context", ""): {"production", "staging"},
    ("record", "--kinds", "pods,dep"): {"pods,deployments"},
    ("up", "--provider", ""): {"embedded", "kind"},
    ("up", "--kubernetes", "1.3"): set(NODE_IMAGES),
    ("completion", ""): {"bash", "fish", "zsh"},
    ("airgap", "c"): {"clean"},
    ("airgap", "build", "o"): {"otel"},
    ("airgap", "build", ""): {
        *("bind9", "bird", "external-dns", "ingress-nginx", "metallb", "nginx", "otel", "traefik", "vip"),
    },
    ("walk", "none-such"): set(),
}
"""What is typed, its last word unfinished, and what it may become."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A home with clusters, contexts and this kitlib, whatever is installed."""
    command = tmp_path / "bin" / "kitlib"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m kitlib.cli "$@"\n')
    command.chmod(0o755)
    for name in ("embedded-1.37", "kind-1.37"):
        (tmp_path / "state" / "clusters" / name).mkdir(parents=True)
    (tmp_path / "config").write_text(
        "apiVersion: v1\nkind: Config\n"
        "clusters: [{name: c, cluster: {server: http://127.0.0.1:1}}]\n"
        "users: [{name: u, user: {}}]\n"
        "contexts:\n"
        "- {name: staging, context: {cluster: c, user: u}}\n"
        "- {name: production, context: {cluster: c, user: u}}\n"
    )
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    return {
        "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
        "HOME": str(place),
        "KITLIB_STATE": str(place / "state"),
        "KUBECONFIG": str(place / "config"),
    }


def completed(place: Path, *lines: tuple[str, ...]) -> list[set[str]]:
    """Return what bash makes of lines whose last word is being typed."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK],
        input="".join("\t".join(("kitlib", *words)) + "\n" for words in lines),
        capture_output=True,
        text=True,
        check=False,
        env=environment(place),
        cwd=CHECKOUT,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [set(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_bash_completes(place):
    assert dict(zip(LINES, completed(place, *LINES), strict=True)) == LINES


def test_a_broken_kubeconfig_completes_nothing_and_says_nothing(place):
    (place / "config").write_text("contexts: [")
    assert completed(place, ("record", "--context", "")) == [set()]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_each_shell_takes_its_script(place, shell, tmp_path):
    script = subprocess.run(
        [place / "bin" / "kitlib", "completion", shell],
        capture_output=True,
        text=True,
        check=True,
        env=environment(place),
        cwd=CHECKOUT,
    ).stdout
    assert "_KITLIB_COMPLETE=complete_" + shell in script
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here to try it")
    path = tmp_path / "script"
    path.write_text(script)
    subprocess.run([shell, "-n", path], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "kitlib walk sta"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "kitlib walk sta", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_what_the_scripts_of_other_shells_ask_is_answered(place, shell, asked):
    done = subprocess.run(
        [place / "bin" / "kitlib"],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(place), "_KITLIB_COMPLETE": f"complete_{shell}", **asked},
        cwd=CHECKOUT,
    )
    assert "start" in done.stdout and "static-pods" in done.stdout and "deployment" not in done.stdout, done.stderr
