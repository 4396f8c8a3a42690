"""The command `diff`: what it says, and its exit codes."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.conftest import CHECKOUT

START = CHECKOUT / "recordings" / "start"


@pytest.fixture
def other(tmp_path):
    """Return a copy of a recording that says it was made on another version."""
    place = tmp_path / "other.rec"
    shutil.copytree(START, place)
    about = json.loads((place / "recording.json").read_text())
    (place / "recording.json").write_text(json.dumps({**about, "release": "v1.99.0"}))
    return place


def test_nothing_differs_from_itself(run):
    shown = run("diff", START, START)
    assert shown.exit_code == 0, shown.output
    assert "Nothing differs beyond noise" in shown.stdout and "how much it varies isn't known" in shown.stdout


def test_what_differs_is_said_first_and_the_exit_code_is_1(run, other):
    shown = run("diff", START, other)
    assert shown.exit_code == 1, shown.output
    assert shown.stdout.startswith("First: cluster  release: v1.37.2 → v1.99.0")


def test_json_is_for_programs(run, other):
    shown = run("diff", START, START, "--with", other, "-o", "json")
    said = json.loads(shown.stdout)
    assert shown.exit_code == 1 and said["differs"] and said["spread_known"] and said["recordings"] == [2, 1]
    assert [each["field"] for each in said["findings"]] == ["release"]


@pytest.mark.parametrize("words", [[START], [START, START, START]])
def test_a_wrong_call_says_how_to_name_sides(run, words):
    shown = run("diff", *words)
    assert shown.exit_code == 2 and "--with" in shown.stderr, shown.output


def test_no_recording(run, tmp_path):
    assert run("diff", START, tmp_path / "none").exit_code == 8
