"""Field selectors as an API server reads them, and what each kind may be selected by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kitlib.serve import fields
from kitlib.serve.fields import Term
from kitlib.serve.labels import SelectorError

POD = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"nodeName": "a", "restartPolicy": "Always"},
    "status": {"phase": "Running", "podIP": "10.0.0.1"},
}
EVENT = {
    "metadata": {"name": "e"},
    "involvedObject": {"kind": "Pod", "name": "web", "uid": "u"},
    "reason": "Pulled",
    "type": "Normal",
    "source": {"component": "kubelet"},
}


@pytest.mark.parametrize(
    ("kind", "body", "selector", "found"),
    [
        ("Pod", POD, "", True),
        ("Pod", POD, "metadata.name=web", True),
        ("Pod", POD, "metadata.name==web,metadata.namespace=shop", True),
        ("Pod", POD, "metadata.name!=web", False),
        ("Pod", POD, "spec.nodeName=a", True),
        ("Pod", POD, "spec.host=a", True),
        ("Pod", POD, "spec.nodeName=", False),
        ("Pod", {"metadata": {}}, "spec.nodeName=", True),
        ("Pod", POD, "status.phase!=Running", False),
        ("Pod", POD, "status.phase!=Succeeded,status.phase!=Failed", True),
        ("Pod", POD, "spec.hostNetwork=false", True),
        ("Pod", {"spec": {"hostNetwork": True}}, "spec.hostNetwork=true", True),
        ("Event", EVENT, "involvedObject.name=web,involvedObject.kind=Pod", True),
        ("Event", EVENT, "involvedObject.uid=other", False),
        ("Event", EVENT, "reason=Pulled,type=Normal,source=kubelet", True),
        ("Event", {"reportingComponent": "scheduler"}, "source=scheduler", True),
        ("Node", {"spec": {}}, "spec.unschedulable=false", True),
        ("Secret", {"type": "Opaque"}, "type=Opaque", True),
    ],
)
def test_what_a_selector_chooses(kind: str, body: dict[str, Any], selector: str, found: bool) -> None:
    terms = fields.checked(fields.parse(selector), "", kind)
    assert fields.matches(terms, "", kind, body) is found


@pytest.mark.parametrize(
    ("kind", "selector", "message"),
    [
        ("Pod", "foo=bar", "field label not supported: foo"),
        ("ConfigMap", "data=x", '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'),
        ("Pod", "foo", "invalid selector: 'foo'; can't understand 'foo'"),
        ("Pod", "a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("Pod", "a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("Pod", "a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_what_it_says_of_one_that_it_does_not_take(kind: str, selector: str, message: str) -> None:
    with pytest.raises(SelectorError) as met:
        fields.checked(fields.parse(selector), "", kind)
    assert str(met.value) == message


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans(), st.text("x,=\\!", max_size=4)), max_size=3))
def test_what_is_written_is_read_again(wanted: list[tuple[str, bool, str]]) -> None:
    """As client-go writes it: a backslash before each of these in a value."""
    parts = []
    for field, equal, value in wanted:
        escaped = value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
        parts.append(f"{field}{'=' if equal else '!='}{escaped}")
    assert sorted(fields.parse(",".join(parts)), key=repr) == sorted((Term(*each) for each in wanted), key=repr)
