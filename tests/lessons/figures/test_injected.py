"""The injected figure: what was sent, what was stored, told by signs, by words, and the same without colour."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from kitlib.lessons.admission import without_defaults
from tests.plots import drawing

SENT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "website", "labels": {"role": "frontend"}},
    "spec": {
        "containers": [
            {"name": "web", "image": "web:1.0", "env": [{"name": "LEVEL", "value": "info"}]},
            {"name": "sidecar", "image": "sidecar:1.0"},
        ]
    },
}


def written() -> dict[str, Any]:
    """The same with a variable in both containers, a volume, and an annotation."""
    pod = deepcopy(SENT)
    pod["metadata"]["annotations"] = {"podpreset.admission.kubernetes.io/podpreset-database": "7"}
    for container in pod["spec"]["containers"]:
        container.setdefault("env", []).append({"name": "DB_PORT", "value": "6379"})
    pod["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    return pod


def lossy() -> dict[str, Any]:
    pod = written()
    del pod["spec"]["containers"][0]["env"][0]
    return pod


def test_nothing_overlaps_and_nothing_is_cut() -> None:
    long = written()
    long["metadata"]["annotations"] = {f"podpreset.admission.kubernetes.io/podpreset-{'x' * 200}": "$7$" * 20}
    figure = figures.injected(SENT, {"1.17": long, "1.37": lossy()}, "A Pod " * 40).get_figure(root=True)
    assert not drawing.outside(figure)
    assert not drawing.overlaps(figure)


def test_each_line_has_a_mark_of_each_server() -> None:
    axes = figures.injected(SENT, {"1.17": written(), "1.37": lossy()})
    assert drawing.words(axes, "head") == ["sent", "1.17", "1.37"]
    lines = drawing.words(axes, "line")
    row = {text.get_position()[1]: text.get_text() for text in drawing.texts(axes, "line")}
    marks: dict[str, list[str]] = {line: [] for line in lines}
    for text in drawing.texts(axes, "mark"):
        marks[row[text.get_position()[1]]].append(text.get_text())
    assert marks["  name: website"] == ["·", "·", "·"]
    assert marks["    - {name: LEVEL, value: info}"] == ["·", "·", "−"]
    assert marks["  volumes:"] == ["+", "+"]
    assert marks["  - {emptyDir: {}, name: cache}"] == ["+", "+"]
    assert lines.count("    - {name: DB_PORT, value: '6379'}") == 2, "once for each container"
    bold = {text.get_text() for text in drawing.texts(axes, "line") if text.get_weight() == "bold"}
    assert "  volumes:" in bold and "  name: website" not in bold


def test_the_first_line_is_the_answer() -> None:
    def headline(**stored: Any) -> str:
        return drawing.words(figures.injected(SENT, stored), "headline")[0]

    assert headline(then=written(), now=written()) == "✓ The same on then and now: 7 lines written into it"
    assert headline(then=written()) == "7 lines written into it"
    assert headline(then=SENT, now=SENT) == "✓ The same on then and now: nothing written into it"
    assert headline(then=lossy(), now=lossy()).endswith("7 lines written into it, 1 lost")
    assert headline(then=written(), now=lossy()) == "✗ then and now differ in 1 line"


def test_the_words_are_a_diff() -> None:
    said = plots.twin(figures.injected(SENT, {"1.17": written(), "1.37": SENT}, "The website"))
    assert said == figures.injected_text(SENT, {"1.17": written(), "1.37": SENT}, "The website")
    assert said.startswith("The website\n\n✗ 1.17 and 1.37 differ in 7 lines.")
    assert "\n +           volumes:\n" in said and "\n             name: website\n" in said


def test_an_order_of_variables_is_no_difference_and_a_value_is_one() -> None:
    other = written()
    other["spec"]["containers"][0]["env"].reverse()
    assert "✓ The same" in figures.injected_text(SENT, {"1.17": written(), "1.37": other})
    other["spec"]["volumes"][0]["emptyDir"]["medium"] = "Memory"
    assert "✗ 1.17 and 1.37 differ in 2 lines" in figures.injected_text(SENT, {"1.17": written(), "1.37": other})


def test_text_from_a_cluster_is_only_text() -> None:
    strange = written()
    strange["metadata"]["annotations"] = {"a": "one\ntwo\x1b[31m $x$ <b>", "b": None}
    axes = figures.injected(SENT, {"1.37": strange})
    assert not drawing.outside(axes.get_figure(root=True))
    assert "\x1b" not in plots.twin(axes)


def test_nothing_stored() -> None:
    with pytest.raises(UsageError, match="nothing was stored"):
        figures.injected(SENT, {})


def test_what_the_server_fills_in_by_itself_is_left_out() -> None:
    def filled(pod: dict[str, Any], version: str) -> dict[str, Any]:
        made = deepcopy(pod)
        made["metadata"] |= {"uid": version, "resourceVersion": version, "namespace": version}
        made["spec"]["dnsPolicy"] = "ClusterFirst"
        for container in made["spec"]["containers"]:
            container["imagePullPolicy"] = "IfNotPresent"
        return {**made, "status": {"phase": "Pending"}}

    assert without_defaults(SENT, filled(SENT, "1"), filled(written(), "2")) == written()
    assert without_defaults(SENT, filled(SENT, "1"), filled(lossy(), "2")) == lossy()
    assert without_defaults(SENT, filled(SENT, "1"), filled(SENT, "2")) == SENT
