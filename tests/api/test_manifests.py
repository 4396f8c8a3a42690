"""Manifests as kubectl takes them. The right values are what kubectl 1.33 sends of the same text.

They were asked of it by `kubectl create --dry-run=client --validate=false -o json`; the live test asks again.
"""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kitlib.api.manifests import fields_of, load, parse, plain
from kitlib.api.transport import Connection
from kitlib.errors import UsageError

PLAIN: dict[str, Any] = {
    "=": "=",
    "2026-03-01": "2026-03-01",
    "2026-03-01T10:00:00Z": "2026-03-01T10:00:00Z",
    "2026-03-01 10:00:00": "2026-03-01 10:00:00",
    "12:30": "12:30",
    "190:20:30.15": "190:20:30.15",
    **dict.fromkeys(("on", "On", "ON", "yes", "y", "true", "True", "!!bool yes"), True),
    **dict.fromkeys(("off", "no", "N", "false"), False),
    **dict.fromkeys(("null", "~", "Null", ""), None),
    **{text: text for text in ("oN", "tRUE", "_1", "0x", "1e", "1,000", "0x1p-2", "infinity", "1e400", "<<")},
    "010": 8,
    "0o10": 8,
    "0777": 511,
    "-010": -8,
    "08": 8,
    "099.5": 99.5,
    "0x1F": 31,
    "0b101": 5,
    "-0b101": -5,
    "1_000": 1000,
    "1__0": 10,
    "+1": 1,
    "-0": 0,
    "1e3": 1000,
    "1.0": 1,
    "1.": 1,
    "1.50": 1.5,
    ".5": 0.5,
    "-.5": -0.5,
    "1e20": 10**20,
    "1e21": 1e21,
    "1e-7": 1e-7,
    "0.30000000000000004": 0.30000000000000004,
    "9223372036854775807": 2**63 - 1,
    "9223372036854775808": float(2**63),
    "18446744073709551616": float(2**64),
    "!!str 12": "12",
    "!!int '3'": 3,
    "!!float 1": 1,
    "!local x": "x",
    "!!binary aGk=": "hi",
    "!!timestamp 2026-03-01": "2026-03-01",
    "!!set {a, b}": {"a": None, "b": None},
    "[=, 1]": ["=", 1],
}
KEYS = {
    "on": "true",
    "y": "true",
    "1": "1",
    "1.10": "1.1",
    "1e3": "1000",
    "1e6": "1e+06",
    "1e-5": "1e-05",
    "123456789.5": "1.2345679e+08",
    "0x10": "16",
    "010": "8",
    "2026-03-01": "2026-03-01",
    "12:30": "12:30",
    "=": "=",
    "''": "",
}
REFUSED = {
    ".inf": "is no finite number",
    ".NaN": "is no finite number",
    "!!null x": "this is no null",
    "!!int x": "this is no int",
    "!!binary '*'": "no base64",
    "&x [*x]": "contains itself",
    "\n\ta: 1": "cannot start any token",
    "{null: 1}": "a key is nothing",
    "{[a]: 1}": "a key is a list or a map",
}
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


def names(source: Any) -> list[str]:
    return [item["metadata"]["name"] for item in load(source)]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_value_is_what_kubectl_sends(text: str) -> None:
    (found,) = parse(f"v: {text}")
    assert found["v"] == PLAIN[text] and type(found["v"]) in (type(PLAIN[text]), int)


@pytest.mark.parametrize("text", KEYS)
def test_a_key_is_text_as_kubectl_writes_it(text: str) -> None:
    assert parse(f"? {text}\n: 1") == [{KEYS[text]: 1}]


@pytest.mark.parametrize("text", REFUSED)
def test_what_kubectl_refuses_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError, match=REFUSED[text]):
        parse(f"v: {text}")


def test_what_is_quoted_is_text() -> None:
    assert parse("a: '12:30'\nb: \"on\"\nc: '010'") == [{"a": "12:30", "b": "on", "c": "010"}]


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert parse("{a: 1, a: 2}") == [{"a": 2}] and parse('{"a": 1, "a": 2}') == [{"a": 2}]


def test_anchors_and_merges_are_followed() -> None:
    assert parse("base: &b {k: 1, l: 1}\nmine: {<<: *b, l: 2}")[0]["mine"] == {"k": 1, "l": 2}


def test_an_alias_that_repeats_too_much_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(UsageError, match="too many values"):
        parse(bomb)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        pytest.param(POD % "a" + "---\n" + POD % "b", ["a", "b"], id="two documents"),
        pytest.param(
            "---\n---\n# c\n---\n" + POD % "a" + "---\n\n--- # x\n" + POD % "b" + "---\n", ["a", "b"], id="empty"
        ),
        pytest.param(POD % "a" + "...\n---\n" + POD % "b", ["a", "b"], id="an end mark"),
        pytest.param((POD % "a" + "---\n" + POD % "b").replace("\n", "\r\n"), ["a", "b"], id="Windows' line ends"),
        pytest.param("\ufeff" + POD % "a", ["a"], id="a byte order mark"),
        pytest.param(json.dumps(parse(POD % "a")[0]), ["a"], id="JSON"),
        pytest.param('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}', ["a"], id="JSON without a space"),
        pytest.param("\n".join(json.dumps(parse(POD % name)[0]) for name in "ab"), ["a", "b"], id="JSON after JSON"),
        pytest.param(json.dumps(parse(POD % "a")[0]) + "\n---\n" + POD % "b", ["a", "b"], id="JSON, then YAML"),
        pytest.param(parse(POD % "a")[0], ["a"], id="a dict"),
        pytest.param([*parse(POD % "a"), *parse(POD % "b")], ["a", "b"], id="dicts"),
    ],
)
def test_objects_come_in_many_forms(text: Any, right: list[str]) -> None:
    assert names(text) == right


def test_a_list_is_taken_apart_and_loses_what_the_server_filled_in() -> None:
    filled = {"name": "a", "uid": "u", "resourceVersion": "7", "managedFields": [], "creationTimestamp": None}
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {**filled, "labels": {"a": "b"}}}
    nested = {"apiVersion": "v1", "kind": "List", "items": [item]}
    for source in ({"apiVersion": "v1", "kind": "List", "items": [item]}, {**nested, "items": [nested]}):
        assert load(source) == [{**item, "metadata": {"name": "a", "labels": {"a": "b"}}}]


def test_a_list_of_one_kind_says_the_kind_of_its_items() -> None:
    source = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleList", "items": [{"metadata": {"name": "a"}}]}
    (found,) = load(source)
    assert (found["apiVersion"], found["kind"]) == ("rbac.authorization.k8s.io/v1", "Role")


@pytest.mark.parametrize("items", ["", " []"])
def test_a_list_of_nothing_is_no_object(items: str) -> None:
    with pytest.raises(UsageError, match="there is no object in it"):
        load(f"apiVersion: v1\nkind: List\nitems:{items}\n")


def test_a_kind_that_only_ends_like_a_list_is_an_object() -> None:
    assert names({"apiVersion": "x/v1", "kind": "AllowList", "metadata": {"name": "a"}, "spec": {}}) == ["a"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hello: [", "this is no YAML: .*line 2"),
        ("- {a: 1}\n- b\n", "it is a list, no object"),
        (POD % "12", r"metadata\.name is a number, no text"),
        (POD % "on", r"metadata\.name is true or false, no text"),
        ("apiVersion: 1\nkind: Pod\nmetadata: {name: a}\n", "apiVersion is a number"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: 7}\n", "namespace is a number"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", "with generateName alone"),
        (POD % "a" + "---\nkind: Pod\n", "document 2: it has no apiVersion, metadata.name"),
        ("apiVersion: v1\nkind: List\nitems: [{kind: Pod}]\n", "item 1: it has no apiVersion, metadata.name"),
        ("apiVersion: v1\nkind: List\nitems: {a: 1}\n", "its items are a map, no list"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        load(text)


@pytest.mark.parametrize("url", ["https://k8s.io/examples/pod.yaml", "http://x/y", "HTTPS://x/y"])
def test_a_url_is_refused_with_one_sentence(url: str) -> None:
    with pytest.raises(UsageError, match=r"a URL is not read[\s\S]*curl -LO"):
        load(url)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name, text in {"b.yml": POD % "b", "a.yaml": POD % "a", "c.json": json.dumps(parse(POD % "c")[0])}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "README.md").write_text("no manifest")
    assert names(tmp_path) == ["a", "b", "c"]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_comes_in_each_encoding_that_yaml_knows_and_with_each_line_end(
    tmp_path: Path, codec: str, end: str
) -> None:
    mark = b"\xfe\xff" if codec == "utf-16-be" else b""
    (tmp_path / "a.yaml").write_bytes(mark + f"{POD % 'a'}data: {{a: ü}}\n".replace("\n", end).encode(codec))
    assert load(tmp_path / "a.yaml")[0]["data"] == {"a": "ü"}


@pytest.mark.parametrize(
    ("written", "sent"),
    [("\\ud83d", "\ufffd"), ("\\ud83d\\ude00", "😀"), ("\\u2028", "\u2028"), ("a\\ude00b", "a\ufffdb")],
)
def test_half_a_character_is_unknown_as_for_go(written: str, sent: str) -> None:
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"WRITTEN":"WRITTEN"}}'
    assert load(text.replace("WRITTEN", written))[0]["data"] == {sent: sent}


def test_a_file_that_is_no_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff")
    with pytest.raises(UsageError, match="no UTF-8"):
        load(tmp_path / "a.yaml")


def test_python_s_own_values_become_json() -> None:
    day, time = datetime.date(2026, 3, 1), datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.UTC)
    assert plain({"a": day, "b": time, "c": (1, 2.0), 1: True}) == {
        "a": "2026-03-01",
        "b": "2026-03-01T10:00:00Z",
        "c": [1, 2],
        "1": True,
    }


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), float("nan")])
def test_what_json_has_no_word_for_is_named_by_its_place(value: Any) -> None:
    with pytest.raises(UsageError, match=r"spec\.a\[1\] is"):
        plain({"spec": {"a": [0, value]}})


def test_what_is_loaded_is_a_copy() -> None:
    source = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {}}}
    load(source)[0]["metadata"]["labels"]["x"] = "y"
    assert source["metadata"]["labels"] == {}  # type: ignore[index]


def test_a_patch_is_one_map() -> None:
    assert fields_of("data: {at: 12:30}") == {"data": {"at": "12:30"}}
    for text in ("", "[1]", "a: 1\n---\nb: 2"):
        with pytest.raises(UsageError, match="one map of fields"):
            fields_of(text)


@pytest.mark.live
def test_kubectl_sends_the_same(connection: Connection, cluster: Any, tmp_path: Path) -> None:
    """Each plain value, as an item of a list in a field that a dry run doesn't know."""
    from kitlib.lab import kubectl

    lines = "".join(f"- {text}\n" for text in PLAIN if not text.startswith("!!set"))
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\nodd:\n{lines}"
    (tmp_path / "a.yaml").write_text(text)
    command = [kubectl(cluster), "--kubeconfig", str(cluster.kubeconfig), "--context", cluster.context, "create"]
    command += ["--dry-run=client", "--validate=false", "-o", "json", "-f", str(tmp_path / "a.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sent, ours = json.loads(done.stdout)["odd"], load(tmp_path / "a.yaml")[0]["odd"]
    assert list(map(as_go_has_it, sent)) == list(map(as_go_has_it, ours))


def as_go_has_it(value: Any) -> Any:
    """A whole number that is no int64 is a float64 to Go, which writes other digits of it, as the version may be."""
    return float(value) if type(value) is int and not -(2**63) <= value < 2**63 else value
