"""Label selectors, read as an API server reads them: `app=web,tier in (a, b),!old,size>3`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"[ \t\r\n]*(?:(?P<special>==|!=|[=!(),<>])|(?P<word>[^=!(),<> \t\r\n]+))")
_WORD = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_OPERATORS = "in, notin, =, ==, !=, gt, lt"
_NUMBER = re.compile(r"[+-]?[0-9]+")
_END = ""


class SelectorError(ValueError):
    """A selector that can't be understood; the message is an API server's."""


@dataclass(frozen=True)
class Requirement:
    """What a selector asks of one label.

    Parameters
    ----------
    key : str
    operator : str
        "in", "notin", "exists", "!", "=", "==", "!=", ">", "<".
    values : frozenset of str
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether labels are as required."""
        there = self.key in labels
        if self.operator in ("in", "=", "=="):
            return there and labels[self.key] in self.values
        if self.operator in ("notin", "!="):
            return not there or labels[self.key] not in self.values
        if self.operator == "!":
            return not there
        if self.operator == "exists":
            return there
        if not there or not _NUMBER.fullmatch(labels[self.key]):
            return False
        mine, limit = int(labels[self.key]), int(next(iter(self.values)))
        return mine > limit if self.operator == ">" else mine < limit


def matches(requirements: list[Requirement], labels: Mapping[str, str] | None) -> bool:
    """Say whether labels are as all requirements want them."""
    return all(each.matches(labels or {}) for each in requirements)


def parse(selector: str) -> list[Requirement]:
    """Read a selector.

    Raises
    ------
    SelectorError
        If it can't be understood.
    """
    return _Parser(selector).requirements()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place, text = 0, text.rstrip(" \t\r\n")
        while place < len(text):
            found = _TOKEN.match(text, place)
            assert found
            self._tokens.append(found["special"] or found["word"])
            place = found.end()
        self._tokens.append(_END)
        self._place = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._place]

    def _take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    @staticmethod
    def _is_word(token: str) -> bool:
        return token != _END and token[0] not in "=!(),<>"

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while self._next != _END:
            if not (self._is_word(self._next) or self._next == "!"):
                raise SelectorError(f"found '{self._next}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            token = self._take()
            if token == _END:
                break
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',' or 'end of string'")
            if not (self._is_word(self._next) or self._next == "!"):
                raise SelectorError(f"found '{self._next}', expected: identifier after ','")
        return sorted(found, key=lambda each: each.key)

    def _requirement(self) -> Requirement:
        absent = self._next == "!"
        if absent:
            self._take()
        key = self._take()
        if not self._is_word(key):
            raise SelectorError(f"found '{key}', expected: identifier")
        _check_key(key)
        if absent or self._next in (_END, ","):
            return Requirement(key, "!" if absent else "exists")
        operator = self._take()
        if operator in ("in", "notin"):
            values = self._list()
        elif operator in ("=", "==", "!=", ">", "<"):
            values = [self._value()]
        else:
            raise SelectorError(f"found '{operator}', expected: {_OPERATORS}")
        for value in values:
            _check_value(key, value)
        if operator in "<>" and not _NUMBER.fullmatch(values[0]):
            raise SelectorError(
                f"values[0][{key}]: Invalid value: \"{values[0]}\": for 'Gt', 'Lt' operators, the value"
                " must be an integer"
            )
        return Requirement(key, operator, frozenset(values))

    def _value(self) -> str:
        if self._next in (_END, ","):
            return ""
        token = self._take()
        if not self._is_word(token):
            raise SelectorError(f"found '{token}', expected: identifier")
        return token

    def _list(self) -> list[str]:
        token = self._take()
        if token != "(":
            raise SelectorError(f"found '{token}' expected: '('")
        values = [""] if self._next in (",", ")") else []
        while self._next != ")":
            token = self._take()
            if token == ",":
                if self._next in (",", ")"):
                    values.append("")
            elif self._is_word(token):
                values.append(token)
                if self._next not in (",", ")"):
                    raise SelectorError(f"found '{self._next}', expected: ',' or ')'")
            else:
                raise SelectorError(f"found '{token}', expected: ',', or identifier")
        self._take()
        return values


def _check_key(key: str) -> None:
    domain, slash, name = key.rpartition("/")
    good = _WORD.fullmatch(name) and (not slash or (len(domain) <= 253 and _DOMAIN.fullmatch(domain)))
    if not good:
        raise SelectorError(f'<nil>: Invalid value: "{key}": this is no key of a label')


def _check_value(key: str, value: str) -> None:
    if value and not _WORD.fullmatch(value):
        raise SelectorError(f'values[0][{key}]: Invalid value: "{value}": this is no value of a label')


__all__ = ["Requirement", "SelectorError", "matches", "parse"]
