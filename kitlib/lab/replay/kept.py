"""What a recording answers in a cluster's place: to a lab's words, to paths, of logs and of nodes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from urllib3 import HTTPHeaderDict

from kitlib import errors
from kitlib.api.transport import READS, Answer, Resource
from kitlib.errors import KitlibError, NotKept
from kitlib.frames import Frames
from kitlib.lab.display import display
from kitlib.lab.keeping import DISCOVER, EXCHANGE, WRITES, decoded, exchange_of, question, request_of
from kitlib.lab.nodes import LabNode
from kitlib.lab.replay.position import Position
from kitlib.lab.replay.standing import Standing, objects, standing
from kitlib.recording import Recording, WatchEvent

WAITS = ("wait", "wait_ready", "until")
"""Words that come to nothing but the moment at which they end."""
OLDER = "the recording is older than kitlib's keeping of answers"
"""Why one that has none doesn't answer."""


DIGEST = re.compile(r"\b[0-9a-f]{12}$")
"""How what a manifest holds is written down at the end of a question."""


class Kept:
    """Answers a lab's words from its recording; what it doesn't hold is told by `NotKept`.

    Where a recording is older than the keeping of answers, its writes and waits are taken for said, and objects are
    told from its rows, as far as these leave no doubt.

    Parameters
    ----------
    recording : Recording

    Attributes
    ----------
    position : Position
    """

    def __init__(self, recording: Recording) -> None:
        self.position = Position(recording)
        self._recording = recording
        self._answers = bool(recording.info.get("answers"))
        self._off = ""

    @cached_property
    def _rows(self) -> dict[str, list[WatchEvent]]:
        return objects(self._recording)

    def end(self) -> None:
        """Do nothing: there is nothing to be ended."""

    def on(self) -> None:
        """Raise `NotKept` if something else was done in this lab than what was recorded: what follows isn't known."""
        if self._off:
            raise NotKept(self._off)

    def said(self, lab: Any, word: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what a word came to, and show what it showed.

        Raises
        ------
        NotKept
            If that isn't known.
        KitlibError
            What the word raised.
        """
        self.on()
        name = word.__name__
        answer = self._answer(lab, name, args, options)
        if answer is None:
            return self._told(lab, name, args, options)
        for shown in answer.get("shown", ()):
            display(*shown)
        if "error" in answer:
            raise _error(answer["error"])
        if name == "record_logs":
            return self._log(lab, *args, **options)
        if name == "node":
            return LabNode(lab.cluster, answer["node"], None, _keeper=self, base=lab.base)  # type: ignore[arg-type]
        if "unkept" in answer:
            raise NotKept(f"{_said(name, answer['asked'])}: a {answer['unkept']} can't be kept")
        return decoded(answer)

    def _answer(self, lab: Any, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is written down of a word; None where that says nothing, and rows may."""
        if not self._answers:
            quiet = name in (*WAITS, *WRITES, "record_logs")
            return ({"changes": []} if name in WRITES else {}) if quiet else None
        asked = question(args, options, lab.base)
        answer = self.position.answer(name, asked)
        if answer is None and name not in ("get", "owned"):
            if name in WRITES:
                self._off = f"from here on it is of another lesson: {_said(name, asked)} isn't in it here"
            raise NotKept(f"{_said(name, asked)}: it has no such answer here")
        return answer

    def _told(self, lab: Any, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what its rows tell of objects."""
        if name == "get":
            return self._get(lab, *args, **options)
        if name == "owned":
            return self._owned(lab, *args)
        raise NotKept(f"{_said(name, question(args, options, lab.base))}: {OLDER}")

    def _get(self, lab: Any, ref: str, *, namespace: str | None = None) -> dict[str, Any]:
        kind, _, name = ref.partition("/")
        found = [each for each in self.there(kind, namespace or lab.namespace) if _name(each) == name]
        if len(found) != 1:
            raise NotKept(f"{ref}: {'several of that name' if found else 'none'} while it may have been asked for")
        return found[0].object

    def _owned(self, lab: Any, plural: str, owner: str) -> list[dict[str, Any]]:
        mine = []
        for each in self.there(plural, lab.namespace):
            owners = each.object["metadata"].get("ownerReferences") or ()
            if any(reference["name"] == owner for reference in owners):
                mine.append(each)
        return settled(mine)

    def there(self, kind: str, *namespaces: str) -> list[Standing]:
        """Return the objects of a kind that were there at this moment, or in no namespace."""
        return standing(self._rows, kind, (*namespaces, ""), self.position.between)

    def asked(self, word: str, asked: list[str], writes: bool = False) -> dict[str, Any]:
        """Return what was answered to a request, or to what else is asked over a connection.

        Parameters
        ----------
        word : str
            The request's method, or what else it is.
        asked : list of str
            As it is written down, see `kitlib.lab.keeping`.
        writes : bool
            Whether it changes something: what follows stands on it.

        Raises
        ------
        NotKept
            If that isn't known.
        KitlibError
            If it was refused.
        """
        self.on()
        if writes and not self._answers and word != EXCHANGE:
            return {}
        answer = self.position.answer(word, asked)
        if answer is None:
            if writes and self._answers:
                self._off = f"from here on it is of another lesson: {_said(word, asked)} isn't in it here"
            raise NotKept(f"{_said(word, asked)}: {'it has no such answer here' if self._answers else OLDER}")
        if "error" in answer:
            raise _error(answer["error"])
        return answer

    def _log(
        self, lab: Any, pod: str, container: str | None = None, previous: bool = False, *, namespace: str | None = None
    ) -> Log:
        return Log(lab, pod, container)


class Log:
    """The log of a container, as far as it is recorded by now.

    Parameters
    ----------
    lab : Lab
    pod : str
    container : str, optional

    Attributes
    ----------
    ended : bool
    """

    ended = True

    def __init__(self, lab: Any, pod: str, container: str | None) -> None:
        self.pod, self.container = pod, container
        self._lab = lab

    def _lines(self) -> list[str]:
        frames: Frames = self._lab.frames
        mine = frames.logs.query("name == @self.pod")
        return list(mine[mine["container"] == self.container if self.container else mine["name"] == self.pod]["line"])

    def wait_for(self, text: str, times: int = 1, timeout: float = 0) -> None:
        """Do nothing: it was waited for when it was recorded."""

    def catch_up(self, timeout: float = 0) -> None:
        """Do nothing: all that was recorded is there."""

    def close(self) -> None:
        """Do nothing: nobody follows it."""

    def count(self, text: str) -> int:
        """Return how many lines up to now hold a text."""
        return sum(text in line for line in self._lines())

    def last(self, count: int) -> list[str]:
        """Return the last lines up to now, or those that there are."""
        return self._lines()[-count:]


class Answers:
    """What stands in a connection's place: paths that were asked for when it was recorded.

    Parameters
    ----------
    kept : Kept
    """

    server = "a recording"

    def __init__(self, kept: Kept) -> None:
        self._keeper = kept

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        *args: Any,
        **more: Any,
    ) -> bytes:
        """Return what was answered; see `Kept.asked`."""
        return _body(self._keeper.asked(method, request_of(path, query, body), _writes(method, query)))

    def exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = 0,
    ) -> Answer:
        """Return what was answered, a refusal and warnings included; see `Kept.asked`."""
        asked = exchange_of(method, path, query, body, headers)
        answer = self._keeper.asked(EXCHANGE, asked, _writes(method, query))
        warned = HTTPHeaderDict([("Warning", text) for text in answer["warnings"]])
        return Answer(answer["code"], warned, _body(answer))

    def get(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Return what was answered, decoded; see `Kept.asked`."""
        return self._keeper.asked("GET", request_of(path, query, None)).get("value")

    def discover(self, name: str, group_version: str | None = None) -> Resource:
        """Return where a kind was served; see `Kept.asked`."""
        found = self._keeper.asked(DISCOVER, [name, group_version or ""])["value"]
        return Resource(**{**found, "short_names": tuple(found["short_names"])})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotKept(f"{name}: there is no server")


def _writes(method: str, query: Mapping[str, Any] | None) -> bool:
    return method not in READS and not (query or {}).get("dryRun")


def _body(answer: Mapping[str, Any]) -> bytes:
    return (answer["text"] if "text" in answer else json.dumps(answer.get("value"))).encode()


class Seen:
    """What stands in a recorder's place.

    Parameters
    ----------
    kept : Kept
    namespaces : sequence of str
        Those that it follows.
    """

    stopped = True

    def __init__(self, kept: Kept, *namespaces: str) -> None:
        self._kept, self._namespaces = kept, namespaces

    def latest(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that were there at this moment."""
        self._kept.on()
        return settled(self._kept.there(plural, *self._namespaces))

    def catch_up(self, timeout: float = 0) -> None:
        """Do nothing: all that was recorded is there."""

    def follow(self, kind: str) -> None:
        """Do nothing: what was followed is there."""

    def wait_for(self, predicate: Callable[[], Any], timeout: float = 0) -> bool:
        """Return whether it is so: nothing more comes."""
        return bool(predicate())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotKept(f"{name}: there is no server")


def settled(found: list[Standing]) -> list[dict[str, Any]]:
    """Return objects of which none came or went while they may have been asked for.

    Raises
    ------
    NotKept
        If one did: which of them were there isn't known then.
    """
    for each in found:
        if not each.throughout:
            raise NotKept(f"{_name(each)} came or went while it may have been asked for")
    return [each.object for each in found]


def _said(word: str, asked: list[str]) -> str:
    """Return a question for people: a manifest by its name alone."""
    return " ".join([word, *(each for each in (DIGEST.sub("", each).strip() for each in asked) if each)])


def _name(found: Standing) -> str:
    return str(found.object["metadata"]["name"])


def _error(told: dict[str, Any]) -> KitlibError:
    kind = getattr(errors, told["type"], KitlibError)
    more = {name: told.get(name) for name in ("step", "object", "next", "status")}
    made: KitlibError = kind(told["message"], **more)
    return made


__all__ = ["OLDER", "WAITS", "Answers", "Kept", "Log", "Seen", "settled"]
