"""What a lab's words came to, kept in its recording: so a lesson can be walked again without a cluster.

A word that asks the server, a container or a node, or changes something there, leaves a row of the kind "Answer": what
was asked, what came back (a value, or an error), and what was shown; and so does a request over the lab's connection.
Of what is said within a word nothing is kept: the outer one's answer has it all. Words and requests are those of the
lab's own thread, since others watch, too. Whole answers, and what is served, may be asked for by many threads at once;
then they have no place in the order of what was said.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import pandas as pd

from kitlib import objects
from kitlib.api.diff import Change
from kitlib.api.manifests import is_path
from kitlib.api.transport import Answer, Connection, Resource
from kitlib.errors import KitlibError
from kitlib.lab.display import Changes, Refusal, capturing
from kitlib.recording import Recording, clock
from kitlib.recording.redaction import redact
from kitlib.recording.row import Meta

KIND = "Answer"
"""The kind of the rows that hold what was answered."""
EXCHANGE = "exchange"
"""What a request is called whose answer is taken whole; others are called by their methods."""
DISCOVER = "discover"
"""What it is called to ask where a kind is served."""
WRITES = frozenset(
    (
        *("apply", "patch", "scale", "set_image", "pause", "resume", "undo", "delete"),
        *("taint", "label_node", "cordon", "uncordon", "scale_nodes", "stop_node", "cut_off_node", "bring_back"),
    )
)
"""Words that change something: what follows stands on it that they were said as they were recorded."""
NOW = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?|\d{7,}|\b\d+ \* \* \* \*")
"""What of a manifest depends on when it was written: stamps, numbers of seconds or minutes, a schedule's minute."""

SECRET = re.compile(r"kind['\"]?:\s*['\"]?Secret\b")
"""That a text may hold a Secret."""

P = ParamSpec("P")
R = TypeVar("R")


class Keeps(Protocol):
    """What keeps what words came to, or knows what they came to."""

    def end(self) -> None:
        """Keep nothing more."""

    def said(self, lab: Any, word: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what a word comes to."""


S = TypeVar("S")


def kept(word: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Have a lab keep what one of its words comes to; a replayed one then finds it there."""

    @wraps(word)
    def said(lab: S, /, *args: P.args, **options: P.kwargs) -> R:
        keeper: Keeps = lab._keeper  # type: ignore[attr-defined]
        found: R = keeper.said(lab, word, args, options)
        return found

    return said


class Keeper:
    """Writes into a recording what a lab's words came to.

    Parameters
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._thread = threading.get_ident()
        self._saying: set[int] = set()  # threads that are within a word or a request
        self._ended = False

    def _keeps(self, anywhere: bool = False) -> bool:
        """Whether what is said now is kept: nothing is within a word, nor beside a word of the lab's own thread."""
        me = threading.get_ident()
        return not self._ended and (anywhere or me == self._thread) and not self._saying & {self._thread, me}

    @contextmanager
    def _keeping(self, word: str, asked: list[str]) -> Iterator[dict[str, Any]]:
        """Keep what is put into the dict, or the error that ends the block."""
        me = threading.get_ident()
        own = me == self._thread
        answer: dict[str, Any] = {"asked": asked, "began_ns": clock.monotonic_ns(), **({} if own else {"beside": True})}
        showing: AbstractContextManager[list[tuple[str, str]]] = capturing() if own else nullcontext([])
        self._saying.add(me)
        try:
            with showing as shown:
                yield answer
        except KitlibError as error:
            told = {name: getattr(error, name) for name in ("message", "step", "object", "next", "status")}
            self._write(word, answer | {"error": {"type": type(error).__name__, **told}}, shown)
            raise
        else:
            self._write(word, answer, shown)
        finally:
            self._saying.discard(me)

    def end(self) -> None:
        """Keep nothing more."""
        self._ended = True

    def said(self, lab: Any, word: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Say a word, and keep what it came to."""
        if not self._keeps():
            return word(lab, *args, **options)
        asked = question(args, options, lab.base)
        return self.asked(word.__name__, asked, lambda: word(lab, *args, **options), encoded)

    def asked(
        self,
        word: str,
        asked: list[str],
        ask: Callable[[], R],
        told: Callable[[R], dict[str, Any]],
        anywhere: bool = False,
    ) -> R:
        """Ask what is written down so, and keep the answer, as `told` writes it down; see `Listening`."""
        if not self._keeps(anywhere):
            return ask()
        with self._keeping(word, asked) as answer:
            found = ask()
            answer.update(told(found))
        return found

    def _write(self, word: str, answer: dict[str, Any], shown: list[tuple[str, str]]) -> None:
        answer = answer | {"shown": shown} if shown else answer
        raw = json.dumps(_without_secrets(answer), default=str, ensure_ascii=False).encode()
        self._recording.add(
            raw,
            kind=KIND,
            api_version="kitlib",
            type="ASKED",
            origin="kitlib",
            stream="kitlib",
            meta=Meta(name=word),
        )
        with self._recording.changed:
            self._recording.marked += 1  # it is none that came


class Listening(Connection):
    """A connection that has a lab keep what is asked over it, from one that is open.

    Parameters
    ----------
    connection : Connection
        Whose place it takes.
    keeper : Keeper
    """

    def __init__(self, connection: Connection, keeper: Keeper) -> None:
        vars(self).update(vars(connection))
        self._keeper = keeper

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *args: Any,
        **more: Any,
    ) -> bytes:
        """Send one request, as `Connection.request` does."""
        ask = super().request
        asked = request_of(path, query, body)
        return self._keeper.asked(method, asked, lambda: ask(method, path, query, body, *args, **more), body_of)

    def exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:
        """Send one request and return the answer whole, as `Connection.exchange` does."""
        ask = super().exchange
        asked = exchange_of(method, path, query, body, headers)
        send = lambda: ask(method, path, query, body, content_type, headers, timeout)  # noqa: E731
        return self._keeper.asked(EXCHANGE, asked, send, _whole, anywhere=True)

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        """Find a kind by any of its names, as `Connection.discover` does."""
        ask = super().discover
        asked, told = [name, group_version or ""], lambda found: {"value": asdict(found)}
        return self._keeper.asked(DISCOVER, asked, lambda: ask(name, group_version), told, anywhere=True)


def body_of(body: bytes) -> dict[str, Any]:
    """Return an answer's body as it is written down: JSON as such."""
    try:
        return {"value": json.loads(body)}
    except ValueError:
        return {"text": body.decode(errors="replace")}


def _whole(answer: Answer) -> dict[str, Any]:
    return {"code": answer.code, "warnings": list(answer.headers.getlist("Warning")), **body_of(answer.body)}


def exchange_of(
    method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: Mapping[str, str] | None
) -> list[str]:
    """Write down a request whose answer is taken whole, so that the same is known again.

    Parameters
    ----------
    method, path : str
    query, headers : mapping or None
    body : bytes, str or JSON-like
    """
    return [method, *request_of(path, query, body), *([plain(headers)] if headers else [])]


def request_of(path: str, query: Mapping[str, Any] | None, body: Any) -> list[str]:
    """Write down a request, so that the same is known again.

    Parameters
    ----------
    path : str
    query : mapping or None
    body : bytes, str or JSON-like
    """
    return [path, *([plain(query)] if query else []), *([plain(body)] if body else [])]


def question(args: tuple[Any, ...], options: Mapping[str, Any], base: Path) -> list[str]:
    """Write down what a word was asked, so that the same question is known again.

    A manifest is known by what it holds; of what depends on the time of day only that it does, and of a Secret's values
    that there are some: they are made anew each time. Functions and deadlines are left out.

    Parameters
    ----------
    args, options
        What it was given.
    base : Path
        What manifests' paths are relative to.
    """
    said = [_described(each, base) for each in args]
    more = {name: value for name, value in options.items() if not callable(value) and name != "timeout"}
    return [*said, *([_described(more, base)] if more else [])]


def _described(value: Any, base: Path) -> str:
    if callable(value):
        return getattr(value, "__name__", "a function")
    if hasattr(value, "_keeper"):  # or a connection of one
        return "a lab"
    if not isinstance(value, Path | str) or not is_path(value):
        return plain(_manifests(value, base) if isinstance(value, str) and SECRET.search(value) else value)
    text = value.as_posix() if isinstance(value, Path) else value
    if not text.endswith((".yaml", ".yml", ".json")):
        return text
    try:
        return f"{text} {_digest(_without_secrets(objects.load(value, base)))}"
    except KitlibError:
        return text


def _manifests(text: str, base: Path) -> Any:
    """Return the objects of a text, or the text where it holds none."""
    try:
        return objects.load(text, base)
    except KitlibError:
        return text


def plain(value: Any) -> str:
    """Return a value as a short text, the same for the same value, whenever that was made."""
    text = value if isinstance(value, str) else json.dumps(_without_secrets(value), default=repr, sort_keys=True)
    text = NOW.sub("…", text)
    return text if len(text) < 80 and "\n" not in text else _digest(text)


def _digest(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=repr, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def encoded(value: Any) -> dict[str, Any]:
    """Return what a word came to as it is written down."""
    if isinstance(value, Changes):
        return {"changes": [[each.object, each.verb, each.diff, each.kubectl] for each in value]}
    if isinstance(value, Refusal):
        return {"refusal": str(value)}
    if isinstance(value, pd.DataFrame):
        return {"table": json.loads(value.to_json(orient="records"))}
    if hasattr(value, "name") and hasattr(value, "run"):
        return {"node": value.name}
    try:
        return {} if value is None else {"value": json.loads(json.dumps(value))}
    except (TypeError, ValueError):
        return {"unkept": type(value).__name__}


def decoded(answer: Mapping[str, Any]) -> Any:
    """Return what `encoded` wrote down; a node's name stands for the node."""
    if "changes" in answer:
        made = answer["changes"]
        return Changes(
            [Change(name, verb, [tuple(each) for each in diff], kubectl) for name, verb, diff, kubectl in made]
        )
    if "refusal" in answer:
        return Refusal(answer["refusal"])
    if "table" in answer:
        return pd.DataFrame(answer["table"])
    return answer.get("value", answer.get("node"))


def _without_secrets(value: Any) -> Any:
    """Take out the values of Secrets, wherever objects stand in an answer."""
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "SecretList":
        value = {**value, "items": [{"kind": "Secret", **each} for each in value.get("items") or ()]}
    if value.get("kind") == "Secret" and isinstance(value.get("metadata"), dict):
        return json.loads(redact("Secret", json.dumps(value).encode()))
    return {key: _without_secrets(each) for key, each in value.items()}


__all__ = [
    "DISCOVER",
    "EXCHANGE",
    "KIND",
    "WRITES",
    "body_of",
    "Keeper",
    "Keeps",
    "Listening",
    "decoded",
    "encoded",
    "exchange_of",
    "kept",
    "question",
    "request_of",
]
