"""`kitlib why` as a user types it, on a recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kitlib.cli import app

RECORDINGS = Path(__file__).resolve().parent.parent.parent / "recordings"


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["why", *words])
    return done.exit_code, done.stdout, done.stderr


def test_the_answer_has_its_sentence_chain_rows_next_command_and_what_is_ruled_out() -> None:
    code, out, _ = run("pod/oom", str(RECORDINGS / "lifecycle"))
    assert code == 1
    assert "takes more memory than it may (64Mi). (certain)" in out.splitlines()[0]
    for part in ("Chain: pod/oom → container greedy", "OOMKilled", "Next: kubectl -n ", "Kubernetes' page: https://"):
        assert part in out
    assert "Ruled out:" in out and "scheduling: its Pod has a node" in out
    assert "Node: it was not recorded" in out


def test_what_is_well_is_said_in_one_line_with_exit_code_0() -> None:
    code, out, _ = run("statefulset/db", str(RECORDINGS / "statefulset"))
    assert (code, len(out.splitlines())) == (0, 1)


def test_json_is_for_programs() -> None:
    code, out, _ = run("pod/oom", str(RECORDINGS / "lifecycle"), "-o", "json")
    told = json.loads(out)
    assert (code, told["state"], told["causes"][0]["cause"], told["certainty"]) == (1, "explained", "oom", "certain")
    assert told["causes"][0]["rows"][0]["resourceVersion"].isdigit()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web", "{lifecycle}"), "names no object"),
        (("pod/nobody", "{lifecycle}"), "has no Pod nobody"),
        (("pod/oom", "{lifecycle}", "--context", "x"), "give one of them"),
        (("pod/oom", "--at", "3s"), "--at is for a recording"),
        (("pod/oom", "{lifecycle}", "--at", "soon"), "is no moment"),
    ],
)
def test_a_wrong_call_is_told_with_what_to_do(words: tuple[str, ...], said: str) -> None:
    code, _, err = run(*(word.format(lifecycle=RECORDINGS / "lifecycle") for word in words))
    assert code == 2
    assert said in " ".join(err.split()) and "Next:" in err
