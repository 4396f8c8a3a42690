"""A Secret's values are shown by no diff, no text, no error and no manifest; a field that changed is named."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from kitlib import objects
from kitlib.api.secrets import MASK, masked_text, scrub, values, veil
from kitlib.errors import ServerError, UsageError
from kitlib.lab.display import change_html
from kitlib.recording import redact
from tests.api.stub import Stub, thing

OLD, NEW = "old-hunter-2", "new-hunter-2"
LAST = "kubectl.kubernetes.io/last-applied-configuration"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(value: str, **metadata: Any) -> dict[str, Any]:
    return thing("Secret", "s", data={"password": coded(value)}, metadata=metadata)


def silent(text: str, *words: str) -> bool:
    return not [word for word in (*words, *map(coded, words)) if word in text]


@pytest.mark.parametrize("what", ["apply", "stringData", "patch"])
def test_a_change_names_the_field_and_no_value(what: str) -> None:
    connection: Any = Stub(secret(OLD))
    connection.answer = lambda *_: secret(NEW)
    if what == "patch":
        change = objects.patch(connection, "secret/s", {"stringData": {"password": NEW}}, "shop")
    else:
        item = secret(NEW)
        if what == "stringData":
            item = {**thing("Secret", "s"), "stringData": {"password": NEW}}
        (change,) = objects.apply(connection, item, "shop")
    assert change.diff == [("data.password", f"{MASK} (before)", f"{MASK} (after)")]
    for shown in (str(change), repr(change), change_html(change), repr(change.result)):
        assert silent(shown, OLD, NEW), shown
    assert change.result["data"]["password"] == coded(NEW)  # who asks for it has it


def test_a_new_key_and_one_that_went_are_named() -> None:
    before, after = thing("Secret", "s", data={"a": coded(OLD)}), thing("Secret", "s", data={"b": coded(NEW)})
    assert objects.difference(before, after) == [("data.a", MASK, None), ("data.b", None, MASK)]
    assert objects.difference(thing("Secret", "s"), after) == [("data.b", None, MASK)]


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap", "Deployment"])
def test_annotations_that_hold_a_secret_are_masked_and_so_is_their_copy(kind: str) -> None:
    def made(value: str) -> dict[str, Any]:
        notes = {"my/password": value, "colour": value[:3]}
        copy = json.dumps({"kind": kind, "metadata": {"annotations": notes}})
        template = {"metadata": {"annotations": {"vault-token": value}}}
        metadata = {"annotations": {**notes, LAST: copy}}
        return thing(kind, "x", "apps/v1", metadata=metadata, spec={"template": template})

    diff = objects.difference(made(OLD), made(NEW))
    assert silent(repr(diff), OLD, NEW) and silent(repr(veil(made(NEW))["metadata"]), NEW)
    assert [path for path, *_ in diff] == [
        'metadata.annotations["my/password"]',
        "metadata.annotations.colour",
        f'metadata.annotations["{LAST}"]',
        "spec.template.metadata.annotations.vault-token",
    ]


def test_what_is_no_secret_is_shown() -> None:
    before, after = (thing("ConfigMap", "c", data={"password": value}) for value in (OLD, NEW))
    assert objects.difference(before, after) == [("data.password", OLD, NEW)]


def test_a_secret_that_is_read_has_its_values_and_does_not_show_them() -> None:
    connection: Any = Stub(secret(OLD, annotations={LAST: f'{{"data":{{"password":"{coded(OLD)}"}}}}'}))
    found = objects.get(connection, "secret/s", "shop")
    assert found["data"]["password"] == coded(OLD) and json.loads(json.dumps(found)) == found
    assert silent(repr(found), OLD) and "password" in repr(found)


@pytest.mark.parametrize(
    "message",
    [
        f'Secret "s" is invalid: data[password]: Invalid value: "{NEW}": must be shorter',
        f'.data.password: expected string, got &value.valueUnstructured{{Value:"{coded(NEW)}"}}',
        f"illegal base64 data at input byte 4: {NEW[:-1]}",
        'cannot handle "line one of it\\nline two of it"',
        "got &value.valueUnstructured{Value:8412}",
    ],
)
@pytest.mark.parametrize("word", ["apply", "patch"])
def test_an_error_of_the_server_does_not_quote_them(message: str, word: str) -> None:
    def refuse(*_: Any) -> None:
        raise ServerError(
            message, status={"code": 422, "message": message, "details": {"causes": [{"message": message}]}}
        )

    connection: Any = Stub(secret(OLD))
    connection.answer = refuse
    held = {"password": NEW, "pem": "line one of it\nline two of it\n", "pin": 8412}
    with pytest.raises(ServerError) as told:
        if word == "apply":
            objects.apply(connection, {**thing("Secret", "s"), "stringData": held}, "shop")
        else:
            objects.patch(connection, "secret/s", {"stringData": held}, "shop")
    said = str(told.value) + json.dumps(told.value.status)
    assert silent(said, NEW, NEW[:-1], "line one of it", "8412"), said
    assert "secret/s" in said and told.value.status["code"] == 422


def test_a_message_that_quotes_nothing_stays_as_it_is() -> None:
    said = 'Secret "s" is invalid: data[a b]: Invalid value: "a b": a valid config key must consist of …'
    assert scrub(said, values({"stringData": {"a b": NEW, "n": "5"}})) == said


def test_a_text_that_is_no_yaml_is_not_quoted_either() -> None:
    for value in ("hunter2: [", "*hunter2", "'hunter2", "!!int hunter2", "@hunter2"):
        with pytest.raises(UsageError) as told:
            objects.load(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {value}\n")
        assert "hunter2" not in str(told.value)


TEXT = """\
# what the shop needs
apiVersion: v1
kind: Secret
metadata:
  name: s  # its name
stringData:
  user: "hunter2-user"   # not hunter2-user's own
  key: |
    hunter2 one
    hunter2 two
  empty:
data: {token: aHVudGVyMg==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {plain: shown}
"""


def test_a_manifest_is_shown_as_it_is_but_for_its_secrets() -> None:
    shown = masked_text(TEXT)
    assert "hunter2" not in shown and "aHVudGVyMg" not in shown
    kept = re.sub(r"\s+", " ", shown)
    assert kept == (
        "# what the shop needs apiVersion: v1 kind: Secret metadata: name: s # its name stringData: "
        'user: "***" # not ***\'s own key: "***" empty: data: {token: "***"} --- apiVersion: v1 kind: ConfigMap '
        "metadata: {name: c} data: {plain: shown} "
    )


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  stringData: {a: hunter2}\n",
        "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: s}\n  stringData: {a: hunter2}\n",
        '{"kind":"Secret","stringData":{"a":"hunter2"}}\n{"kind":"Secret","stringData":{"a":"hunter2"}}',
        "kind: Secret\nx: &x hunter2\nstringData: {a: *x}\n",
        "kind: Secret\nx: &x {a: hunter2}\nstringData: {<<: *x}\n",
        'kind: Secret\nmetadata: {annotations: {LAST: \'{"data":{"a":"hunter2"}}\'}}\n'.replace("LAST", LAST),
        "kind: Secret\nstringData: hunter2\n",
    ],
)
def test_whatever_form_it_has_no_value_is_shown(text: str) -> None:
    assert "hunter2" not in masked_text(text)


def test_a_manifest_without_secrets_is_shown_byte_by_byte() -> None:
    text = "kind: ConfigMap\ndata:   {password: hunter2}  # as it is\n"
    assert masked_text(text) == text


@pytest.mark.parametrize("kind", ["ConfigMap", "Pod", "Deployment", "Order"])
def test_a_recording_has_no_copy_of_a_redacted_annotation(kind: str) -> None:
    applied = {"kind": kind, "metadata": {"annotations": {"my/password": NEW, "colour": "blue"}}, "spec": {"a": 1}}
    for notes in ({"my/password": NEW, LAST: json.dumps(applied)}, {LAST: json.dumps(applied)}):
        kept = redact(kind, json.dumps({"metadata": {"name": "x", "annotations": notes}}).encode()).decode()
        assert NEW not in kept
        copy = json.loads(json.loads(kept)["metadata"]["annotations"][LAST])
        assert copy["spec"] == {"a": 1} and copy["metadata"]["annotations"]["colour"] == "blue"


def test_a_copy_that_can_t_be_read_goes_whole() -> None:
    notes = {LAST: '{"metadata": {"annotations": {"my/password": "hunter2'}
    assert b"hunter2" not in redact("Pod", json.dumps({"metadata": {"name": "x", "annotations": notes}}).encode())
