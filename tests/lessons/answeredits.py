"""Changes of what a lesson was answered: by the server, by containers and by nodes, whoever of them it asked directly.

Each keeps the shape of an answer, so that a check can be made of it; which claims stand on that answer is found by
trying. `kitlib.lab.keeping` says how answers are written down.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

from kitlib.lab.keeping import DISCOVER, KIND
from kitlib.recording import WatchEvent
from tests.lessons.edits import Object
from tests.lessons.logedits import Edit, Rows, rewritten

OTHER = "something else"


def answers(changed: Callable[[str, Object, int], Object]) -> Edit:
    """Return a change of each answer: `changed` takes the word, its answer and the answer's number."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made, number = [], 0
        for row in rows:
            if row.kind == KIND:
                number += 1
                row = _changed(row, changed, number)
            made.append(row)
        return made

    return apply


def _changed(row: WatchEvent, changed: Callable[[str, Object, int], Object], number: int) -> WatchEvent:
    answer = json.loads(row.object)
    fresh = changed(row.name, answer, number)
    return row if fresh == answer else rewritten(row, fresh)


def _values(changed: Callable[[Any, int], Any]) -> Edit:
    """Return a change of what was answered, each part of it from the inside to the outside."""

    def within(value: Any, number: int) -> Any:
        if isinstance(value, dict):
            value = {key: within(each, number) for key, each in value.items()}
        elif isinstance(value, list):
            value = [within(each, number) for each in value]
        return changed(value, number)

    def apply(word: str, answer: Object, number: int) -> Object:
        said = [name for name in ("value", "text", "table") if name in answer]
        return {**answer, **{name: within(answer[name], number) for name in said}}

    return answers(apply)


def _fields(*names: str, to: Callable[[Any, int], Any]) -> Edit:
    """Return a change of all fields of some names that are no lists and no maps."""

    def changed(value: Any, number: int) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            key: to(each, number) if key in names and not isinstance(each, dict | list) else each
            for key, each in value.items()
        }

    return _values(changed)


def _reasons(word: str, answer: Object, number: int) -> Object:
    if "refusal" in answer:
        return {**answer, "refusal": OTHER}
    if "error" in answer:
        return {**answer, "error": {**answer["error"], "message": OTHER}}
    if answer.get("code", 0) >= 400:
        return {**answer, "value": {**answer["value"], "message": OTHER}}
    return answer


def _refused(word: str, answer: Object, number: int) -> Object:
    return {**answer, "code": 403, "value": {"message": OTHER}} if answer.get("code", 400) < 400 else answer


def _taken(word: str, answer: Object, number: int) -> Object:
    taken = {"metadata": {}, "spec": {"containers": []}}
    return {**answer, "code": 200, "value": taken} if answer.get("code", 0) >= 400 else answer


def _warned(*texts: str) -> Edit:
    said = [f'299 - "{text}"' for text in texts]
    return answers(lambda word, answer, number: {**answer, "warnings": said} if "warnings" in answer else answer)


def _unserved(word: str, answer: Object, number: int) -> Object:
    if word != DISCOVER or "value" not in answer:
        return answer
    return {"asked": answer["asked"], "error": {"type": "UsageError", "message": f"serves no kind {OTHER}"}}


def _served(word: str, answer: Object, number: int) -> Object:
    if word != DISCOVER or "error" not in answer:
        return answer
    name, version = answer["asked"]
    found = {"kind": name, "plural": name.lower(), "singular": name.lower(), "group_version": version or "v1"}
    return {"asked": answer["asked"], "value": {**found, "namespaced": True, "short_names": []}}


def _grown(value: Any, number: int) -> Any:
    return value + number if isinstance(value, int) and not isinstance(value, bool) else value


def _counted(value: Any, number: int) -> Any:
    """Let the numbers at the end of lines be larger, as of metrics: with each answer by more."""
    if not isinstance(value, str) or "\n" not in value:
        return value
    lines = [line.rpartition(" ") for line in value.split("\n")]
    grown = [
        f"{head} {int(float(last)) + number}" if last.replace(".", "", 1).isdecimal() else f"{head}{blank}{last}"
        for head, blank, last in lines
    ]
    return "\n".join(grown)


def _schemas(changed: Callable[[Object], Object]) -> Edit:
    """Return a change of what schemas say of their properties."""

    def of(value: Any, number: int) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("properties"), dict):
            return value
        return {**value, "properties": changed(value["properties"])}

    return _values(of)


def _first_ones(rows: Rows, rng: random.Random) -> Rows:
    """Let each answer be the first one that the same question got."""
    known: dict[tuple[str, str], Object] = {}

    def of(word: str, answer: Object, number: int) -> Object:
        asked = {name: answer[name] for name in ("asked", "began_ns") if name in answer}
        return {**known.setdefault((word, json.dumps(answer.get("asked"))), answer), **asked}

    return answers(of)(rows, rng)


def _texts(changed: Callable[[str], str]) -> Edit:
    """Return a change of each text that was answered."""
    return _values(lambda value, number: changed(value) if isinstance(value, str) else value)


def _entered(value: Any, number: int) -> Any:
    """Let a Service of type LoadBalancer have an address."""
    if not isinstance(value, dict) or (value.get("spec") or {}).get("type") != "LoadBalancer":
        return value
    return {**value, "status": {"loadBalancer": {"ingress": [{"ip": f"10.9.8.{number}"}]}}}


REPLIES: dict[str, Edit] = {
    "refused for another reason": answers(_reasons),
    "each is refused": answers(_refused),
    "each is taken": answers(_taken),
    "nobody is warned": _warned(),
    "each is warned": _warned(OTHER),
    "nothing is served": answers(_unserved),
    "everything is served": answers(_served),
    "lists lack their first": _values(lambda value, number: value[1:] if isinstance(value, list) else value),
    "lists are doubled": _values(lambda value, number: value * 2 if isinstance(value, list) else value),
    "tables lack their first row": answers(
        lambda word, answer, number: {**answer, "table": answer["table"][1:]} if answer.get("table") else answer
    ),
    "what a word of a lesson's own found lacks its first": answers(
        lambda word, answer, number: (
            {**answer, "value": answer["value"][1:]}
            if word == "answer_of" and isinstance(answer.get("value"), list)
            else answer
        )
    ),
    "each dnsPolicy is Default": _fields("dnsPolicy", to=lambda value, number: "Default"),
    "numbers are others": _values(_grown),
    "counters are others": _values(_counted),
    "what is so isn't": _values(lambda value, number: not value if isinstance(value, bool) else value),
    "names are others": _fields("name", to=lambda value, number: OTHER),
    "texts are others": _fields("text", "line", "message", "phase", "reason", to=lambda value, number: OTHER),
    "what is said is another text": _values(
        lambda value, number: OTHER if isinstance(value, str) and "\n" not in value else value
    ),
    "nothing is said": answers(
        lambda word, answer, number: {**answer, "value": ""} if isinstance(answer.get("value"), str) else answer
    ),
    "addresses are others": _fields("address", to=lambda value, number: f"10.9.9.{number % 256}/24"),
    "properties of schemas are others": _schemas(
        lambda known: {f"{OTHER} {place}": each for place, each in enumerate(known.values())}
    ),
    "schemas have two properties at most": _schemas(lambda known: dict(sorted(known.items())[:2])),
    "each is the first one to its question": _first_ones,
    "no interface has an address that is one alone": _texts(lambda text: re.sub(r" \S+/32 ", " ", text)),
    "what was removed was added": _texts(lambda text: text.replace('"removed"', '"added"')),
    "each status is 200": _texts(lambda text: re.sub(r"^\s*\d{3}\s*$", "200", text)),
    "each Service has an address": _values(_entered),
    "versions and uids are others": _fields("uid", "resourceVersion", to=lambda value, number: f"{value}{number}"),
}
"""What is answered otherwise, in words, and how the rows of a recording are changed."""

__all__ = ["REPLIES", "answers"]
