"""The command `verify`: text, JSON and JUnit XML, and its exit code."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kitlib.cli.junit import document
from kitlib.recording import Recording
from kitlib.rollout import verify
from tests.conftest import CHECKOUT
from tests.rollout.planted import edit, read, told

START, POD = CHECKOUT / "recordings" / "start", CHECKOUT / "recordings" / "pod"


def test_what_is_kept_is_told_and_the_exit_code_is_0(run) -> None:
    shown = run("verify", START)
    assert shown.exit_code == 0, shown.output
    assert "3 promises kept, 0 broken, 1 can't be told" in shown.stdout
    assert "✓ deployment/hello  most (" in shown.stdout
    assert "? 1 promise of deployment/hello: nothing has put it to the test" in shown.stdout
    assert "Not recorded, so nothing is known of them: StatefulSet" in shown.stdout


def test_what_is_broken_says_when_by_how_much_and_by_whom_and_the_exit_code_is_1(run) -> None:
    shown = run("verify", POD, "--for", "deploy/kept")
    assert shown.exit_code == 1
    assert "✗ deployment/kept  broken: replicas − maxUnavailable Pods are available" in shown.stdout
    line = next(each for each in shown.stdout.splitlines() if "0 available, 1 promised" in each)
    told_of = re.match(r"    at (\d+\.\d) s \((\S+)Z, resourceVersion (\d+)\): (kept-\S+): ", line)
    assert told_of is not None, line
    seconds, time, version, pod = told_of.groups()
    rows = Recording.open(POD).rows
    (row,) = (each for each in rows.of("Pod") if each.resourceVersion == version)
    assert row.name == pod and b"deletionTimestamp" in row.object
    assert seconds == f"{(row.monotonic_ns - rows[0].monotonic_ns) / 1e9:.1f}"
    assert time == datetime.fromtimestamp(row.received_at / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert "; by whoever deleted it" in shown.stdout
    assert "job/" not in shown.stdout


@pytest.mark.parametrize(("where", "code", "kept"), [(START, 0, True), (POD, 1, False)])
def test_json_has_all_of_it(run, where: Path, code: int, kept: bool) -> None:
    shown = run("verify", where, "-o", "json")
    assert shown.exit_code == code
    told_of = json.loads(shown.stdout)
    assert told_of["kept"] is kept and told_of["recording"] == str(where)
    verdicts = [each["verdict"] for one in told_of["objects"] for each in one["promises"]]
    assert {name: verdicts.count(name) for name in ("kept", "broken", "unknown")} == {
        name: told_of["counts"][name] for name in ("kept", "broken", "unknown")
    }


def test_junit_has_a_case_for_each_promise(run) -> None:
    shown = run("verify", POD, "-o", "junit")
    assert shown.exit_code == 1
    root = ElementTree.fromstring(shown.stdout.encode())
    cases = root.findall("testsuite/testcase")
    assert root.get("tests") == str(len(cases)) and root.get("failures") == "1"
    (failure,) = root.findall("testsuite/testcase/failure")
    assert "0 available, 1 promised" in str(failure.get("message"))
    skipped = root.findall("testsuite/testcase/skipped")
    assert str(len(skipped)) == root.get("skipped") and all(each.get("message") for each in skipped)


def test_words_of_a_cluster_stay_words_in_xml() -> None:
    name = 'we"<b>\x07\x1b[31m&'
    changed = edit(
        read("statefulset"),
        lambda row: row.kind == "Deployment" and row.name == "crew",
        lambda obj: obj["status"].update(replicas=7),
    )
    found = verify(told(changed), "deployment/crew")
    for each in found.findings:
        object.__setattr__(each.answer.controller, "name", name)
    root = ElementTree.fromstring(document("x", found).encode())
    assert any('we"<b>' in str(each.get("name")) for each in root.findall("testsuite"))
    assert len(root.findall("testsuite/testcase[@name='its status agrees with what is there']/failure")) == 1


@pytest.mark.parametrize(("words", "said"), [
    (("--for", "deployment/elsewhere"), "no 'deployment/elsewhere' that promises something was recorded"),
    (("-o", "yaml"), "'yaml'"), (("--moment", "soon"), "soon"),
])  # fmt: skip
def test_a_wrong_call_is_told(run, words: tuple[str, ...], said: str) -> None:
    shown = run("verify", START, *words)
    assert shown.exit_code == 2 and said in shown.stderr, shown.output


def test_a_folder_without_a_recording_is_told(run, tmp_path: Path) -> None:
    shown = run("verify", tmp_path)
    assert shown.exit_code == 8 and "no recording" in shown.stderr


def test_a_longer_moment_forgives_a_contradiction(run, tmp_path: Path) -> None:
    rows = edit(
        read("statefulset"),
        lambda row: row.kind == "Deployment" and row.name == "crew",
        lambda obj: obj["status"].update(replicas=3),
    )
    with Recording.create(tmp_path / "changed") as recording:
        for row in rows:
            recording._append(row)
    again = ("verify", tmp_path / "changed", "--for", "deployment/crew")
    assert "✗ deployment/crew  contradicted at " in run(*again).stdout
    assert "contradicted" not in run(*again, "--moment", "1h").stdout
