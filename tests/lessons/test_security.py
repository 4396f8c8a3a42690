"""The policies of notebooks/manifests/security: applied as they are, each gives the answers that it is there for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from kitlib import cluster as clusters
from kitlib import objects
from kitlib.errors import BuildError, ClusterError, WaitTimeout
from kitlib.lessons import policies
from kitlib.lessons.admission import Answer
from kitlib.lessons.policies import (
    ALL,
    LEVEL,
    ROWS,
    PodAnswer,
    PolicySuite,
    PolicySuites,
    answers,
    ask,
    brief,
    covered,
    grid,
    settings,
    verdicts,
    written,
)

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "manifests" / "security"
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


def test_answers_are_a_frame_without_empty_columns():
    responses = {("1.17", "web"): Answer("refused", 'pods "web" is forbidden: no'), ("1.37", "web"): Answer("admitted")}
    frame = answers(responses, "Kubernetes", "Pod")
    assert list(frame.columns) == ["Kubernetes", "Pod", "answer", "said"]
    assert list(brief(frame)["said"]) == ["no", ""] and frame["said"].iloc[0].startswith("pods")
    written = PodAnswer("written", warnings=("one", "two"), wrote={"fsGroup": 5000})
    assert answers({"web": written}).to_dict("records") == [
        {"Pod": "web", "answer": "written", "warning": "one; two", "wrote": '{"fsGroup": 5000}'}
    ]


def test_verdicts_are_checked_in_their_order():
    responses = {"first": Answer("refused"), "second": Answer("admitted")}
    assert verdicts(responses, ["refused", "admitted"]).holds
    assert verdicts(responses, ["admitted", "refused"]).holds is False
    assert verdicts(responses, "refused").holds is False


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (
            "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'a' with binding 'b' denied request: not so",
            "not so",
        ),
        ("unable to validate against any pod security policy: [spec.hostPID: Invalid value: true: no]", "true: no"),
        (
            'pods "web" is forbidden: violates PodSecurity "baseline:latest": x',
            'violates PodSecurity "baseline:latest": x',
        ),
        ("it rains", "it rains"),
    ],
)
def test_a_brief_message_keeps_what_differs(said, left):
    assert brief(answers({"web": Answer("refused", said)}))["said"].item() == left


def test_a_row_is_covered_if_one_pod_is_refused_and_the_other_is_not():
    pairs = [("refused", "admitted"), ("refused", "written"), ("refused", "refused"), ("admitted", "admitted")]
    table = pd.DataFrame(pairs, columns=["unwanted", "wanted"]).assign(row=list("abcd"), means="VAP")
    assert covered(table, "VAP") == ["a", "b"] and covered(table, "MAP") == []


def test_a_version_that_cannot_be_had_keeps_its_reason():
    reason = ClusterError("no Go", step="open", object="1.17", next="install it")
    suites = PolicySuites({"1.17": reason}, FOLDER)
    assert suites["1.17"] is reason and suites.present == {}


# On both clusters.


@pytest.fixture(scope="module")
def then(own_state: Path) -> Iterator[PolicySuite]:
    """The policies of March 2020."""
    try:
        old = clusters.up("embedded", "1.17-psp")
    except BuildError as error:
        pytest.skip(str(error))
    with PolicySuite(old.connect(), FOLDER) as suite:
        suite.apply()
        yield suite


@pytest.fixture(scope="module")
def now(own_state: Path) -> Iterator[PolicySuite]:
    """Today's, on a cluster of its own: policies belong to no namespace, and the lesson makes and removes the same."""
    with PolicySuite(clusters.up("embedded").connect(), FOLDER) as suite:
        suite.apply()
        yield suite


@pytest.fixture(scope="module")
def audited(own_state: Path) -> Iterator[PolicySuite]:
    """Today's cluster with an audit log and exemptions."""
    cluster = clusters.up("embedded", "1.37-audit")
    with PolicySuite(cluster.connect(), FOLDER, lab=SimpleNamespace(cluster=cluster)) as suite:
        yield suite


def said(suite: PolicySuite, row: str, means: str = "enforce") -> list[str]:
    return [answer.verdict for answer in suite.ask_all([(row, pod) for pod in suite.pods(row)], means)]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_today_a_row_refuses_one_pod_and_admits_the_other(now, row):
    assert said(now, row) == ["refused", "written" if row in WRITES else "admitted"]
    (bad, *_) = now.ask_all([(row, now.pods(row)[0])])
    assert f"ValidatingAdmissionPolicy '{row}'" in bad.said and ROWS[row] in bad.said
    if row in WRITES:
        assert "refused" not in said(now, row, "write")
        assert "written" not in said(now, row, "refuse")


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("row", ROWS)
def test_then_a_row_refused_one_pod_and_admitted_the_other(then, row):
    assert said(then, row) == ["refused", "written" if row in WRITES else "admitted"]
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
    assert now.label(space, dry_run=True, enforce="baseline").admitted
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


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_then_a_service_account_may_use_what_its_pods_creator_may_not(then):
    space = then.space(may_use=["host-pid"], account="trusted")
    bad, _ = then.pods("privileged")
    assert ask(then.connection, bad, space).verdict == "refused"
    trusted = {**bad, "spec": {**bad["spec"], "serviceAccountName": "trusted"}}
    assert ask(then.connection, trusted, space).taken == "host-pid"


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_then_the_policy_that_changes_nothing_is_taken_first(then):
    _, good = then.pods("privileged")
    space = then.space(may_use=["a-writes-1000", "b-leaves-it"])
    assert ask(then.connection, good, space).taken == "b-leaves-it"
    made = ask(then.connection, good, then.space(may_use=["c-writes-2000"]))
    assert made.taken == "c-writes-2000" and made.wrote == {"web.runAsUser": 2000}


@pytest.mark.live
@pytest.mark.slow
def test_a_level_picks_and_a_mode_does(now):
    cross = policies.cross(now, {"bad": now.pods("privileged")[0], "good": now.pods("privileged")[1]})
    came = cross[cross["came"] != "admitted"].to_dict("records")
    assert {(each["mode"], each["Pod"], each["came"]) for each in came} == {
        ("enforce", "bad", "refused"),
        ("warn", "bad", "warned"),
        ("audit", "bad", "audited"),
    }
    assert {each["level"] for each in came} == {"baseline", "restricted"} and len(cross) == 18


@pytest.mark.live
@pytest.mark.slow
def test_who_asks_to_be_called_again_is(now):
    turns = policies.turns(now, "abcd", again="bd")
    assert sorted(turns[:4]) == list("abcd") and sorted(turns[4:]) == ["b", "d"]


@pytest.mark.live
@pytest.mark.slow
def test_a_limit_is_bound_in_three_ways(now):
    for name in ("limits.yaml", "softer.yaml"):
        objects.apply(now.connection, FOLDER / "today" / name, "default")
    pod = policies.pod(securityContext={"runAsUser": 500})
    responses = {
        action: ask(now.connection, pod, policies.limited(now, action, 1000)) for action in ("deny", "warn", "audit")
    }
    assert [answer.admitted for answer in responses.values()] == [False, True, True]
    assert [bool(answer.warnings) for answer in responses.values()] == [False, True, False]
    assert not ask(now.connection, pod, policies.limited(now, "deny")).admitted
    assert ask(now.connection, pod, policies.limited(now, "deny", 100)).admitted


@pytest.mark.live
@pytest.mark.slow
def test_what_is_audited_is_noted_and_who_is_exempt_is_admitted(audited):
    bad, _ = audited.pods("privileged")
    space = audited.space(audit="baseline")
    assert audited.ask(bad, space).admitted
    noted = policies.noted(audited, space, bad["metadata"]["name"])
    assert "would violate PodSecurity" in noted["pod-security.kubernetes.io/audit-violations"]
    with pytest.raises(WaitTimeout, match=r"(?s)does not name Pod nobody.*1\.37-audit"):
        policies.noted(audited, space, "nobody", timeout=0.1)
    for _ in range(2):  # what the first has left is no hindrance
        verdict = {name: answer.verdict for name, answer in policies.exempted(audited, bad).items()}
        assert verdict == {"nobody": "refused", "user": "admitted", "RuntimeClass": "admitted", "namespace": "admitted"}


@pytest.mark.live
@pytest.mark.slow
def test_the_server_says_which_plugin_it_does_not_know():
    assert policies.refused_plugin("NoSuchPlugin") == '"NoSuchPlugin" is unknown'


def test_without_containers_the_reason_and_the_way_out_are_told(monkeypatch):
    monkeypatch.setattr(clusters, "clusters", list)
    answer = policies.with_containers()
    assert isinstance(answer, ClusterError) and "kitlib up --provider kind" in str(answer.next)


@pytest.mark.kind
@pytest.mark.slow
def test_inside_a_container_what_is_set_is_so(kind):
    frame = policies.inside(kind, FOLDER / "inside.yaml").set_index("Pod")
    wanted = ["user", "capabilities", "seccomp", "write-root", "chown", "keyctl"]
    assert frame.loc["bound", wanted].tolist() == [1500, 0, "filter", False, False, False]
    assert frame.loc["free", ["user", "seccomp", "write-root", "chown", "keyctl"]].tolist() == [0, "off", *[True] * 3]
    left = kind.connect().get("/api/v1/namespaces", {"labelSelector": "kitlib/notebook=security"})["items"]
    assert all(space["metadata"].get("deletionTimestamp") for space in left), "its namespace goes"
