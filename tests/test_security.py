"""The policies of notebooks/manifests/security: applied as they are, each gives the answers that it is there for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kitlib import cluster as clusters
from kitlib import objects, policies
from kitlib.connection import Connection
from kitlib.errors import BuildError
from kitlib.policies import ALL, LEVEL, ROWS, Library, ask, grid, send, settings, written

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "manifests" / "security"
WRITES = {
    "default-add-capabilities",
    "required-drop-capabilities",
    "se-linux",
    "run-as-user",
    "supplemental-groups",
    "fs-group",
    "read-only-root-filesystem",
}


# Without a cluster.


def test_the_grid_is_the_same_for_the_same_seed():
    assert list(grid(90)) == list(grid(90))
    assert list(grid(90)) != list(grid(90, seed=18))
    rows = [row for row, _ in grid(90)]
    assert set(rows) == {*ROWS, ALL} and rows.count(ALL) == 45


def test_the_grid_crosses_every_field():
    text = json.dumps([pod for _, pod in grid(400)])
    for name in (
        *("privileged", "add", "drop", "nfs", "hostNetwork", "hostPort", "hostPID", "hostIPC", "hostPath"),
        *("seLinuxOptions", "runAsUser", "supplementalGroups", "fsGroup", "readOnlyRootFilesystem", "initContainers"),
    ):
        assert f'"{name}"' in text, name


def test_no_two_containers_of_the_grid_take_one_port_of_the_host():
    for _, pod in grid(600):
        ports = [port for item in pod["spec"]["containers"] for port in item.get("ports", ())]
        key = "containerPort" if pod["spec"].get("hostNetwork") else "hostPort"
        taken = [port[key] for port in ports if port[key]]
        assert len(taken) == len(set(taken)), pod


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_policies_and_two_pods(row):
    assert [pod["metadata"]["name"] for pod in objects.load(FOLDER / row / "pods.yaml")] == ["rejected", "admitted"]
    psp, *_ = objects.load(FOLDER / row / "psp.yaml")
    assert psp["metadata"]["name"] == row and ROWS[row] in psp["spec"]
    assert (FOLDER / row / "map.yaml").exists() == (row in WRITES)
    for name in ("vap.yaml", "map.yaml") if row in WRITES else ("vap.yaml",):
        policy, binding = objects.load(FOLDER / row / name)
        (chosen,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
        assert binding["spec"]["policyName"] == policy["metadata"]["name"] == row
        assert chosen["key"] == f"security.kitlib/{row}", "on a reader's cluster nothing happens before a label is set"


def test_what_was_written_is_told_from_what_was_sent():
    sent = {"spec": {"containers": [{"name": "web", "securityContext": {"capabilities": {"add": ["A", "B"]}}}]}}
    stored = json.loads(json.dumps(sent))
    stored["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = ["B", "A"]
    assert written(sent, stored) == {}
    stored["spec"]["securityContext"] = {"fsGroup": 5000}
    assert written(sent, stored) == {"fsGroup": 5000}


# On both clusters.


@pytest.fixture(scope="module")
def then(own_state: Path) -> Iterator[Library]:
    """The policies of March 2020."""
    try:
        old = clusters.up("embedded", "1.17-psp")
    except BuildError as error:
        pytest.skip(str(error))
    with Library(old.connect(), FOLDER) as library:
        library.apply()
        yield library


@pytest.fixture(scope="module")
def now(connection: Connection) -> Iterator[Library]:
    """Today's."""
    policies.remove(connection)
    with Library(connection, FOLDER) as library:
        library.apply()
        yield library


def answers(library: Library, row: str, means: str = "enforce") -> list[str]:
    return [answer.verdict for answer in library.ask_all([(row, pod) for pod in library.pods(row)], means)]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_today_a_row_refuses_one_pod_and_admits_the_other(now, row):
    assert answers(now, row) == ["refused", "written" if row in WRITES else "admitted"]
    (bad, *_) = now.ask_all([(row, now.pods(row)[0])])
    assert f"ValidatingAdmissionPolicy '{row}'" in bad.said and ROWS[row] in bad.said
    if row in WRITES:
        assert "refused" not in answers(now, row, "write")
        assert "written" not in answers(now, row, "refuse")


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", ROWS)
def test_then_a_row_refused_one_pod_and_admitted_the_other(then, row):
    assert answers(then, row) == ["refused", "written" if row in WRITES else "admitted"]
    (bad, *_) = then.ask_all([(row, then.pods(row)[0])])
    assert "unable to validate against any pod security policy: [spec." in bad.said


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_on_generated_pods_both_servers_agree(then, now):
    """All but one kind: an empty list of supplementalGroups is a list to 1.17, and none today."""
    pods = list(grid(300, seed=3))
    old, new = then.ask_all(pods), now.ask_all(pods)
    verdicts = {answer.verdict for answer in old}
    assert verdicts == {"refused", "admitted", "written"}, "nothing invalid, and something of each"
    for (row, pod), before, today in zip(pods, old, new, strict=True):
        if pod["spec"].get("securityContext", {}).get("supplementalGroups") == [] and before.verdict != today.verdict:
            assert (before.verdict, today.verdict) == ("refused", "written") and "empty groups" in before.said
            continue
        assert before.verdict == today.verdict, (row, pod, before.said, today.said)
        if before.admitted:
            assert settings(before.stored) == settings(today.stored), (row, pod)


@pytest.mark.live
@pytest.mark.slow
def test_without_a_label_nothing_happens(now):
    space = now.space()
    for row in ROWS:
        assert [ask(now.connection, pod, space).verdict for pod in now.pods(row)] == ["admitted"] * 2


@pytest.mark.live
@pytest.mark.slow
def test_a_warning_is_heard(now):
    space = now.space({"pod-security.kubernetes.io/warn": "baseline"})
    answer = ask(now.connection, now.pods("privileged")[0], space)
    assert answer.admitted and "would violate PodSecurity" in answer.warnings[0]
    label = {"metadata": {"labels": {LEVEL: "baseline"}}}
    assert send(now.connection, "PATCH", f"/api/v1/namespaces/{space}", label, dry_run=True).admitted
    assert LEVEL not in now.connection.get(f"/api/v1/namespaces/{space}")["metadata"]["labels"]


@pytest.mark.live
@pytest.mark.slow
def test_no_expression_has_a_type_error(now):
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    for row in ROWS:
        objects.wait(
            now.connection,
            f"validatingadmissionpolicy/{row}",
            "",
            until=lambda item: item.get("status", {}).get("observedGeneration"),
            what="checked",
        )
    for item in now.connection.get(path)["items"]:
        assert not item["status"].get("typeChecking"), item["metadata"]["name"]
