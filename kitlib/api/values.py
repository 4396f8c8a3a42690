"""Text → the values that kubectl would send of it: YAML as go-yaml reads it, made JSON as sigs.k8s.io/yaml does.

That is neither YAML 1.1 nor 1.2: `on`, `yes` and `y` are true, 010 is 8 and 1_000 is 1000, but 12:30, 2026-03-01 and a
plain `=` are text; 1.0 becomes 1; keys become text. tests/api/test_manifests.py has what kubectl makes of each.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import numbers
import re
import struct
from collections.abc import Mapping
from typing import Any

import yaml

from kitlib.errors import UsageError

MOST = 1_000_000
"""Values that one manifest may have, with those that its aliases repeat; the API server takes fewer."""
_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]{0,19})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str, name: str = "manifest") -> list[Any]:
    """Return the documents of a text, YAML or JSON, as values that JSON has; empty documents are left out.

    Parameters
    ----------
    text : str
        YAML documents, or JSON objects one after the other.
    name : str
        What an error calls it.

    Raises
    ------
    UsageError
        If it is neither YAML nor JSON, or holds what JSON has no word for; no value is quoted.
    """
    try:
        found = _json(text) if text.lstrip("\ufeff \t\r\n").startswith("{") else None
        if found is None:
            found = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise UsageError(
            f"this is no YAML: {_problem(error)}", step="load", object=name, next="mend that line"
        ) from None
    except RecursionError:
        raise UsageError("it is nested too deeply", step="load", object=name, next="check its indentation") from None
    return [plain(document, name) for document in found if document is not None]


def plain(value: Any, name: str = "manifest") -> Any:
    """Return a copy of a value as JSON has it, and as kubectl would send it: keys are text, 1.0 is 1, a date is text.

    Raises
    ------
    UsageError
        If JSON has no word for something in it; its place and type are named, not its value.
    """
    left = [MOST]

    def refuse(path: str, what: str) -> UsageError:
        where = path.removeprefix(".") or "it"
        return UsageError(f"{where} {what}", step="load", object=name, next="write a text, a number, a list or a map")

    def copy(item: Any, path: str, above: tuple[int, ...]) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise UsageError("it has too many values", step="load", object=name, next="repeat less by aliases")
        if item is None or isinstance(item, bool):
            return item
        if isinstance(item, str):
            return _text_in_json(item)
        if isinstance(item, numbers.Real):
            return _number_in_json(item, lambda what: refuse(path, what))
        if isinstance(item, datetime.date):
            return item.isoformat().replace("+00:00", "Z")
        if isinstance(item, Mapping | list | tuple):
            if id(item) in above:
                raise refuse(path, "contains itself")
            above = (*above, id(item))
            if isinstance(item, Mapping):
                return {_key(key): copy(each, f"{path}.{key}", above) for key, each in item.items()}
            return [copy(each, f"{path}[{number}]", above) for number, each in enumerate(item)]
        raise refuse(path, f"is a {type(item).__name__}, which JSON has no word for")

    try:
        return copy(value, "", ())
    except RecursionError:
        raise UsageError("it is nested too deeply", step="load", object=name, next="check its indentation") from None


def _text_in_json(item: str) -> str:
    """Return a text as Go's JSON has it: half a character, of which UTF-8 knows nothing, is its sign for "unknown"."""
    if item.isascii():
        return str(item)
    return item.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _number_in_json(item: Any, refuse: Any) -> int | float:
    """Return a number as Go's JSON has it: what is whole has no point, what needs more than 64 bits is a float."""
    if isinstance(item, numbers.Integral) and -(2**63) <= int(item) < 2**63:
        return int(item)
    try:
        value = float(item)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise refuse("is no finite number")
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _json(text: str) -> list[Any] | None:
    """Return JSON values that stand one after the other; None if it isn't all JSON."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    found, at = [], 0
    text = text.strip("\ufeff \t\r\n")
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError:
            return None
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n"))
    return found


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _number(text: str) -> int | float | None:
    """Read a plain number as Go does, by its prefix; None if it is none."""
    if not text or text[0] not in "+-.0123456789":
        return None
    text = text.replace("_", "")
    if match := _INTEGER.fullmatch(text):
        sign, digits = match.groups()
        base = {"x": 16, "b": 2}.get(digits[1:2].lower(), 8 if digits[0] == "0" and len(digits) > 1 else 10)
        whole = int(digits.lower().replace("0o", "0", 1), base)
        if whole < 2**64:
            return -whole if sign == "-" else whole
    if _FLOAT.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    return None


def _key(key: Any) -> str:
    """Return a map's key as sigs.k8s.io/yaml writes it."""
    if isinstance(key, str):
        return _text_in_json(key)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, numbers.Integral):
        return str(int(key))
    if isinstance(key, numbers.Real):
        return _short_float(float(key))
    what = "nothing" if key is None else "a list or a map" if isinstance(key, list | dict | tuple) else "no text"
    raise UsageError(f"a key is {what}", step="load", object="manifest", next="write a text as the key")


def _short_float(value: float) -> str:
    """Write a float as Go's strconv.FormatFloat(value, 'g', -1, 32) does."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    try:
        narrow = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return ".inf" if value > 0 else "-.inf"
    digits = next(
        (text for precision in range(9) if _same32(float(text := f"{narrow:.{precision}e}"), narrow)), f"{narrow:.8e}"
    )
    mantissa, _, exponent = digits.partition("e")
    if -4 <= int(exponent) < 6:
        return f"{narrow:.{max(len(mantissa.partition('.')[2]) - int(exponent), 0)}f}"
    return f"{mantissa}e{int(exponent):+03d}"


def _same32(value: float, narrow: float) -> bool:
    return struct.pack("f", value) == struct.pack("f", narrow)


def _problem(error: yaml.YAMLError) -> str:
    """Say what is wrong and where, without the line itself: it may hold what nobody should see."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read"
    what = re.sub(r"(['\"`]).*\1", "…", str(what))
    return f"{what} (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else what


class _Loader(_Base):
    """PyYAML's safe loader with go-yaml's rules for plain values."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return str(super().resolve(kind, value, implicit))
        return _resolve(value) if implicit[0] else f"{_TAG}str"

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        self.flatten_mapping(node)
        found = {}
        for key_node, value_node in node.value:
            try:
                key = _key(self.construct_object(key_node, deep=True))
            except UsageError as error:
                raise yaml.constructor.ConstructorError(None, None, error.message, key_node.start_mark) from None
            found[key] = self.construct_object(value_node, deep=deep)
        return found


def _resolve(text: str) -> str:
    if text == "<<":
        return f"{_TAG}merge"
    if text in _WORDS:
        word = _WORDS[text]
        return _TAG + ("null" if word is None else "bool" if isinstance(word, bool) else "float")
    value = _number(text)
    return _TAG + ("str" if value is None else "int" if isinstance(value, int) else "float")


def _scalar(loader: Any, node: Any) -> Any:
    """Build a plain or tagged word or number; what isn't of its tag is refused."""
    text = loader.construct_scalar(node)
    value = _WORDS[text] if text in _WORDS else _number(text)
    kind = node.tag.removeprefix(_TAG)
    fits = {"null": value is None, "bool": isinstance(value, bool), "int": type(value) is int}
    if not fits.get(kind, type(value) in (int, float)) or _resolve(text) == f"{_TAG}str":
        raise yaml.constructor.ConstructorError(None, None, f"this is no {kind}", node.start_mark)
    return value


def _binary(loader: Any, node: Any) -> str:
    try:
        text = "".join(loader.construct_scalar(node).split())
        return base64.b64decode(text, validate=True).decode(errors="replace")
    except ValueError:
        raise yaml.constructor.ConstructorError(None, None, "this is no base64", node.start_mark) from None


def _untagged(loader: Any, suffix: str, node: Any) -> Any:
    """Build what has a tag of somebody's own as if it had none."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


for _kind in ("null", "bool", "int", "float"):
    _Loader.add_constructor(_TAG + _kind, _scalar)
for _kind in ("timestamp", "merge", "value"):
    _Loader.add_constructor(_TAG + _kind, _Base.construct_yaml_str)
_Loader.add_constructor(f"{_TAG}set", _Base.construct_yaml_map)
for _kind in ("omap", "pairs"):
    _Loader.add_constructor(_TAG + _kind, _Base.construct_yaml_seq)
_Loader.add_constructor(f"{_TAG}binary", _binary)
_Loader.add_constructor(None, lambda loader, node: _untagged(loader, "", node))

__all__ = ["MOST", "parse", "plain"]
