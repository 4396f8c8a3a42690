"""The presets of notebooks/manifests/preset: each Pod there gets what it is there for, in March 2020 and today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib import objects
from kitlib.api.transport import Connection
from kitlib.cluster import namespaces
from kitlib.errors import BuildError, UsageError
from kitlib.lessons import presets
from kitlib.lessons.admission import Answer, again, ask, stored
from kitlib.lessons.presets import (
    EXCLUDE,
    NOW,
    REASONS,
    THEN,
    Case,
    applied,
    comparable,
    conflicts,
    differs,
    generated,
    grid,
)

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "manifests" / "preset"
PODS = {path.stem: objects.load(path)[0] for path in sorted((FOLDER / "pods").glob("*.yaml"))}
ALIKE = {
    "backend": set(),
    "conflict": set(),
    "excluded": set(),
    "same": {"database"},
    "several": {"database", "proxy"},
    "website": {"database"},
}
"""Which presets are applied to a Pod, then and today."""
UNLIKE = {
    "half-conflict": (set(), {"proxy"}),
    "limits": (set(), {"limits"}),
    "lost": ({"database"}, set()),
    "quarrel": (set(), None),
}
"""The same, where today's means can't do, or don't, what was done then; None: one of two, whichever comes first."""


# Without a cluster.


def test_every_pod_has_its_answer():
    assert {*ALIKE, *UNLIKE} == set(PODS)


def test_both_versions_have_the_same_presets():
    then, now = (
        [item["spec"] for item in objects.load(FOLDER / version / "presets.yaml")] for version in ("1.17", "1.37")
    )
    assert then == now
    assert {item["apiVersion"] for item in objects.load(FOLDER / "1.17" / "presets.yaml")} == {THEN}
    assert {item["apiVersion"] for item in objects.load(FOLDER / "1.37" / "presets.yaml")} == {NOW}


def test_the_grid_is_the_same_for_the_same_seed():
    made = generated(12)
    assert made == generated(12) != generated(12, seed=18)
    assert list(grid(made, 40)) == list(grid(made, 40)) != list(grid(made, 40, seed=18))


def test_the_grid_has_something_of_everything():
    made = generated(24)
    cases = list(grid(made, 300))
    assert {len(case.matching) for case in cases} == {0, 1, 2, 3}
    assert {differs(made, case) for case in cases} == {"", *REASONS[:3]}
    assert sum(case.excluded for case in cases) > 5 and sum(bool(conflicts(made, case)) for case in cases) > 50
    text = json.dumps([case.pod for case in cases])
    for name in ("initContainers", "valueFrom", "envFrom", "subPath", "readOnly", "hostPath", '"True"'):
        assert name in text, name


def test_a_generated_pod_fits_what_it_is_made_for():
    made = generated(24)
    for case in grid(made, 300):
        assert set(Case.of(case.pod, made).matching) == set(case.matching)


def test_every_difference_of_the_pods_has_a_reason():
    made = {item["metadata"]["name"]: item["spec"] for item in objects.load(FOLDER / "1.37" / "presets.yaml")}
    cases = {name: Case.of(pod, made) for name, pod in PODS.items()}
    assert cases["quarrel"].matching == ("database", "quarrel") and cases["backend"].matching == ()
    assert {name for name, case in cases.items() if differs(made, case)} == set(UNLIKE)


def test_the_comparison_tells_what_is_not_the_same():
    made = {"p": {"env": [{"name": "A", "value": "1"}]}}
    cases = [case_of("p"), case_of("p", env=[{"name": "A", "value": "2"}])]
    changed = {"metadata": {"name": "web", "annotations": {presets.APPLIED + "p": "7"}}, "spec": {"containers": []}}
    table = presets.compare(made, cases, {"1.17": [changed, cases[1].pod], "1.37": [cases[0].pod, cases[1].pod]})
    assert table["same"].tolist() == [False, True] and table["conflict"].tolist() == [False, True]
    assert table["1.17"].tolist() == ["p", "–"] and table["1.37"].tolist() == ["–", "–"]


def case_of(*matching: str, **container: Any) -> Case:
    pod = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", **container}]}}
    return Case(pod, matching)


def test_a_conflict_is_a_difference_in_meaning():
    made = {"p": {"env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}}
    assert conflicts(made, case_of("p", env=[{"name": "A", "value": "1"}])) == []
    assert conflicts(made, case_of("p", env=[{"name": "A", "value": "2"}])) == ["env A"]
    spelled = {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x", "apiVersion": "v1"}}}
    assert conflicts(made, case_of("p", env=[spelled])) == []
    last = [{"name": "A", "value": "2"}, {"name": "A", "value": "1"}]
    assert conflicts(made, case_of("p", env=last)) == [], "of two the last counts"
    assert conflicts(made, case_of(env=[{"name": "A", "value": "2"}])) == [], "it doesn't fit"


def test_a_mount_conflicts_by_its_name_and_by_its_path():
    made = {"p": {"volumeMounts": [{"name": "cache", "mountPath": "/cache"}]}}
    assert (
        conflicts(made, case_of("p", volumeMounts=[{"name": "cache", "mountPath": "/cache", "readOnly": False}])) == []
    )
    assert conflicts(made, case_of("p", volumeMounts=[{"name": "cache", "mountPath": "/other"}])) == [
        "volumeMounts cache"
    ]
    assert conflicts(made, case_of("p", volumeMounts=[{"name": "other", "mountPath": "/cache"}])) == [
        "volumeMounts /cache"
    ]


def test_a_preset_that_was_applied_is_known_by_its_annotation():
    noted = {presets.APPLIED + "database": "7", EXCLUDE: "false"}
    pod = {"metadata": {"name": "web", "annotations": noted}, "spec": {"containers": []}}
    assert applied(pod) == {"database": "7"}
    other = {**pod, "metadata": {"name": "web", "annotations": {**noted, presets.APPLIED + "database": "8"}}}
    assert comparable(pod) == comparable(other) and noted[presets.APPLIED + "database"] == "7"


# On both clusters.

Place = tuple[Connection, str]


def prepared(connection: Connection, version: str) -> Iterator[Place]:
    """Apply all that belongs to a version, as the folder holds it."""
    place = namespaces.create(connection, "preset")
    try:
        if version == "1.37":
            presets.remove(connection)
            objects.apply(connection, FOLDER / "crd.yaml", place)
            objects.wait(connection, "crd/podpresets.presets.example", "", condition="Established")
            objects.apply(connection, FOLDER / "policy.yaml", place)
            objects.apply(connection, FOLDER / "warning.yaml", place)
        objects.apply(connection, FOLDER / version / "presets.yaml", place)
        presets.wait_effective(connection, ["database", "proxy", "quarrel", "limits"], place)
        yield connection, place
    finally:
        if version == "1.37":
            presets.remove(connection)
        namespaces.delete(connection, place, timeout=None)


@pytest.fixture(scope="module")
def then(own_state: Path) -> Iterator[Place]:
    """March 2020."""
    try:
        old = clusters.up("embedded", "1.17")
    except BuildError as error:
        pytest.skip(str(error))
    yield from prepared(old.connect(), "1.17")


@pytest.fixture(scope="module")
def now(own_state: Path) -> Iterator[Place]:
    """Today, on a cluster of its own: what is made is in no namespace, and the lesson makes and removes the same."""
    yield from prepared(clusters.up("embedded").connect(), "1.37")


@pytest.fixture
def both(then: Place, now: Place) -> dict[str, Place]:
    return {"then": then, "now": now}


def made_of(place: Place, pod: dict[str, Any]) -> dict[str, Any]:
    return stored(place[0], pod, place[1])


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ALIKE)
def test_both_store_the_same_field_by_field(both, name):
    one, other = (made_of(place, PODS[name]) for place in both.values())
    assert set(applied(one)) == set(applied(other)) == ALIKE[name]
    assert comparable(one) == comparable(other)
    if not ALIKE[name]:
        assert comparable(one) == comparable(PODS[name]), "nothing was written into it"


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", UNLIKE)
def test_they_differ_as_it_is_documented(both, name):
    one, other = (set(applied(made_of(place, PODS[name]))) for place in both.values())
    old, new = UNLIKE[name]
    assert one == old
    assert other == new if new is not None else other in ({"database"}, {"quarrel"})


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_container_gets_it_init_containers_too(both):
    for place in both.values():
        spec = made_of(place, PODS["website"])["spec"]
        for container in [*spec["containers"], *spec["initContainers"]]:
            assert {"name": "DB_PORT", "value": "6379"} in container["env"]
            assert container["envFrom"] == [{"configMapRef": {"name": "database"}}]
            assert container["volumeMounts"] == [{"name": "cache", "mountPath": "/cache"}]
        assert spec["volumes"] == [{"name": "cache", "emptyDir": {}}]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_then_the_container_lost_its_own_list(both):
    assert "envFrom" not in made_of(both["then"], PODS["lost"])["spec"]["containers"][0]
    assert "envFrom" in made_of(both["now"], PODS["lost"])["spec"]["containers"][0]


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_annotation_is_the_presets_version(both):
    for connection, place in both.values():
        preset = objects.get(connection, "podpreset/database", place)
        assert applied(made_of((connection, place), PODS["website"])) == {
            "database": preset["metadata"]["resourceVersion"]
        }


@pytest.mark.live
@pytest.mark.slow
def test_today_whoever_makes_the_pod_is_told_of_a_conflict(now):
    def warned(name: str) -> Answer:
        return ask(now[0], PODS[name], now[1])

    again(lambda: warned("conflict"), lambda answer: answer.warnings, "the warning")
    assert "PodPreset database was not applied" in warned("conflict").warnings[0]
    assert not warned("website").warnings and not warned("excluded").warnings and not warned("backend").warnings
    assert len(warned("quarrel").warnings) == 1


@pytest.mark.live
@pytest.mark.slow
def test_no_expression_has_a_type_error(now):
    for kind, name in (("mutatingadmissionpolicy", "podpreset"), ("validatingadmissionpolicy", "podpreset-warning")):
        item = objects.get(now[0], f"{kind}/{name}", "")
        assert not item.get("status", {}).get("typeChecking"), name


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_preset_without_anything_is_refused(both):
    for (connection, place), group_version in zip(both.values(), (THEN, NOW), strict=True):
        answer = ask(connection, presets.manifest("empty", {"selector": {}}, group_version), place)
        assert answer.verdict == "invalid" and "must specify at least one" in answer.said


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_refused_is_not_stored(both):
    with pytest.raises(UsageError, match="name"):
        made_of(both["now"], {**PODS["website"], "metadata": {"name": "A"}})


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_on_generated_pods_both_store_the_same(both):
    """All but what `differs` gives a reason for: those all differ."""
    made = generated(24, seed=3)
    asked: dict[str, list[dict[str, Any]]] = {}
    cases = list(grid(made, 200, seed=3))
    for version, (connection, _) in both.items():
        place = namespaces.create(connection, "preset")
        try:
            presets.make(connection, made, place)
            asked[version] = presets.stored_all(connection, cases, place)
        finally:
            namespaces.delete(connection, place, timeout=None)
    table = presets.compare(made, cases, asked)
    assert (table["same"] == (table["why"] == "")).all(), table[table["same"] != (table["why"] == "")]
    for case, one, other in zip(cases, *asked.values(), strict=True):
        if case.excluded or not case.matching:
            assert not applied(one) and not applied(other)
        elif not conflicts(made, case):
            assert set(applied(one)) == set(applied(other)) == set(case.matching)
