"""`kitlib why` as a user types it, on a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

LIFECYCLE = CHECKOUT / "recordings" / "lifecycle"


def test_the_answer_has_its_sentence_chain_rows_next_command_and_what_is_ruled_out(run) -> None:
    shown = run("why", "pod/oom", LIFECYCLE)
    assert shown.exit_code == 1
    assert "takes more memory than it may (64Mi). (certain)" in shown.stdout.splitlines()[0]
    for part in ("Chain: pod/oom → container greedy", "OOMKilled", "Next: kubectl -n ", "Kubernetes' page: https://"):
        assert part in shown.stdout
    assert "Ruled out:" in shown.stdout and "scheduling: its Pod has a node" in shown.stdout
    assert "Node: it was not recorded" in shown.stdout


def test_what_is_well_is_said_in_one_line_with_exit_code_0(run) -> None:
    shown = run("why", "statefulset/db", CHECKOUT / "recordings" / "statefulset")
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 1)


def test_json_is_for_programs(run) -> None:
    shown = run("why", "pod/oom", LIFECYCLE, "-o", "json")
    told = json.loads(shown.stdout)
    assert (shown.exit_code, told["state"], told["certainty"]) == (1, "explained", "certain")
    assert told["causes"][0]["cause"] == "oom"
    assert told["causes"][0]["rows"][0]["resourceVersion"].isdigit()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web", LIFECYCLE), "names no object"),
        (("pod/nobody", LIFECYCLE), "has no Pod nobody"),
        (("pod/oom", LIFECYCLE, "--context", "x"), "give one of them"),
        (("pod/oom", "--at", "3s"), "--at is for a recording"),
        (("pod/oom", LIFECYCLE, "--at", "soon"), "is no moment"),
    ],
)
def test_a_wrong_call_is_told_with_what_to_do(run, words: tuple[object, ...], said: str) -> None:
    shown = run("why", *words)
    assert shown.exit_code == 2
    assert said in " ".join(shown.stderr.split()) and "Next:" in shown.stderr


def test_no_recording(run, tmp_path: Path) -> None:
    assert run("why", "pod/oom", tmp_path / "none").exit_code == 8
