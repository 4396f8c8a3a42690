"""`Covered`: a DataFrame that stays with what it covers when it is mixed with others.

pandas carries `attrs` through what keeps rows, and of two that are mixed it keeps the first one's, or none. A frame of
a recording must not forget the gaps of what was mixed into it: a column, a row, a mask, an operand. So its methods look
at what they are given, and what comes of it carries the origins of all (see `kitlib.frames.origin`).

Values that have left pandas say nothing: an array, and a list that becomes a column, may come from any frame. A number,
a text, or a list that rows are picked by is taken for what the reader wrote.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.api.typing import DataFrameGroupBy, SeriesGroupBy

from kitlib.frames import coverage
from kitlib.frames.origin import Marks, joined, same

_PLAIN = (str, bytes, int, float, bool, type(None), slice, type)
_IN_PLACE = (
    "__setitem__",
    "insert",
    "update",
    "__iadd__",
    "__isub__",
    "__imul__",
    "__itruediv__",
    "__iand__",
    "__ior__",
)
_ADDS = ("__setitem__", "insert")
"""Methods whose last argument becomes a column."""
_EVALUATED = ("query", "eval")
_OPERATORS = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul", "divmod"),
    *("radd", "rsub", "rmul", "rtruediv", "rfloordiv", "rmod", "rpow", "rand", "ror", "rxor", "rmatmul", "rdivmod"),
    *("iadd", "isub", "imul", "itruediv", "iand", "ior", "eq", "ne", "lt", "le", "gt", "ge"),
    *("getitem", "setitem", "array_ufunc"),
)
_LEFT_ALONE = ("copy", "plot", "hist", "boxplot", "info", "get", "items", "keys", "isetitem")
_NAME = re.compile(r"@(\w+)")
_KIND = re.compile(r"(?<![\w.])kind\s*==\s*(['\"])(\w+)\1")
_NAMESPACE = re.compile(r"(?<![\w.])namespace\s*==\s*(['\"])([\w-]+)\1")


_classes: dict[Any, Any] = {}


def asked(expression: str, attrs: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """Return the gaps of the kinds and namespaces that an expression asks for, and that nobody recorded."""
    kinds = [kind for _, kind in _KIND.findall(expression)]
    found = [gap for kind in kinds for gap in _unrecorded("kind", kind, attrs)]
    known = [kind for kind in kinds if kind in attrs.get("kinds", ())]
    return found + [
        gap for _, name in _NAMESPACE.findall(expression) for gap in _unrecorded("namespace", name, attrs, known)
    ]


def _unrecorded(column: str, value: str, attrs: Mapping[Any, Any], kinds: Sequence[str] = ()) -> list[dict[str, Any]]:
    if "kinds" not in attrs or "window" not in attrs:
        return []
    begin, end = attrs["window"]
    missing = [value] * (value not in attrs["kinds"]) if column == "kind" else coverage.missing(value, kinds, attrs)
    about = value if column == "kind" else "*"
    return [
        {"kind": about, "after_ns": begin, "until_ns": end, "reason": f"{what} is not recorded here"}
        for what in missing
    ]


def _origins(own: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[Mapping[Any, Any]]:
    """Yield the `attrs` of what a method is given; empty ones stand for what doesn't say where it comes from."""
    for number, value in enumerate((*args, *kwargs.values())):
        last = name in _ADDS and number == len(args) - 1
        yield from _of(own, value, name == "assign" or last)


def _of(own: Any, value: Any, becomes: bool, deep: int = 0) -> Iterator[Mapping[Any, Any]]:
    if isinstance(value, _PLAIN):
        return
    if isinstance(value, (pd.DataFrame, pd.Series)):
        yield value.attrs
    elif isinstance(value, (np.ndarray, ExtensionArray, pd.Index)):
        if value.ndim and not isinstance(value, pd.RangeIndex) and (becomes or not _labels(own, value)):
            yield {}
    elif isinstance(value, (list, tuple, dict, set)) and deep < 2:
        inside = list(value.values() if isinstance(value, dict) else value)
        if becomes and not deep and not isinstance(value, tuple) and inside:
            yield {}
        if any(not isinstance(each, _PLAIN) for each in inside):
            for each in inside:
                yield from _of(own, each, False, deep + 1)


def _labels(own: Any, value: Any) -> bool:
    """Say whether these are labels of the frame itself: names of its columns, or of its own rows."""
    if isinstance(value, pd.Index) and any(value is axis for axis in own.axes):
        return True
    return isinstance(own, pd.DataFrame) and value.dtype.kind in "OTU" and set(value) <= set(own.columns)


def _named(caller: types.FrameType, expression: Any) -> Iterator[Any]:
    """Yield the variables of the caller that an expression names."""
    for name in _NAME.findall(expression) if isinstance(expression, str) else ():
        known = caller.f_locals if name in caller.f_locals else caller.f_globals
        if name in known:
            yield known[name]


def _pandas(caller: types.FrameType) -> bool:
    """Say whether pandas itself calls: what it does within a method is the method's."""
    return str(caller.f_globals.get("__name__", "")).startswith("pandas.")


def _watched(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that joins what its arguments carry to what comes of it."""

    @functools.wraps(plain)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = self._attrs
        inner = not before or _pandas(sys._getframe(1))  # one without attrs has lost its origin already
        if name in _EVALUATED:
            kwargs["level"] = kwargs.get("level", 0) + (1 if inner else 2)  # between the reader and pandas
        if inner:
            return plain(self, *args, **kwargs)
        given = list(_origins(self, name, args, kwargs))
        if name in _EVALUATED and args:
            for value in _named(sys._getframe(kwargs["level"] - 1), args[0]):
                given += _of(self, value, False)
            given += _without(before, asked(str(args[0]), before))
        elif name == "__eq__" and self.ndim == 1 and self.name in ("kind", "namespace") and isinstance(args[0], str):
            given += _without(before, _unrecorded(self.name, args[0], before))
        given = [each for each in given if not same(before, each)]
        after = joined([before, *given]) if given else before
        if name in _IN_PLACE or kwargs.get("inplace"):
            self.attrs = after
        elif given:
            self = self.copy(deep=False)
            self.attrs = after
        return _kept(plain, (self, *args), kwargs, after, bool(given), name == "assign")

    return method


def _kept(
    plain: Callable[..., Any], args: Any, kwargs: dict[str, Any], attrs: Any, joins: bool, becomes: bool = False
) -> Any:
    """Call a method, and give what comes of it these `attrs`, and those of what functions among its arguments bring."""
    heard: list[Mapping[Any, Any]] = []
    args = [_heard(args[0], value, becomes, heard) for value in args]
    kwargs = {key: _heard(args[0], value, becomes, heard) for key, value in kwargs.items()}
    result = plain(*args, **kwargs)
    heard = [each for each in heard if not same(attrs, each)]
    attrs = joined([attrs, *heard]) if heard else attrs
    for each in result if isinstance(result, tuple) else (result,):
        if isinstance(each, (pd.DataFrame, pd.Series)):
            if joins or heard or "gaps" not in each.attrs:
                each.attrs = attrs
        elif isinstance(each, (DataFrameGroupBy, SeriesGroupBy)):
            each.__class__ = _grouped(type(each))
    return result


def _grouped(kind: Any) -> Any:
    """Return the class of the groups of a frame, of which pandas forgets where they come from."""

    def watched(plain: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(plain)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            if _pandas(sys._getframe(1)) or not self.obj.attrs:
                return plain(self, *args, **kwargs)
            return _kept(plain, (self, *args), kwargs, self.obj.attrs, False)

        return method

    if kind in _classes:
        return _classes[kind]
    names = [name for name in dir(kind) if not name.startswith("_") or name == "__getitem__"]
    found = {name: inspect.getattr_static(kind, name) for name in names}
    methods = {name: watched(method) for name, method in found.items() if isinstance(method, types.FunctionType)}
    return _classes.setdefault(kind, type(kind.__name__, (kind,), methods))


def _without(attrs: Mapping[Any, Any], missing: list[dict[str, Any]]) -> list[Mapping[Any, Any]]:
    return [{**attrs, "gaps": Marks([*attrs.get("gaps", ()), *missing])}] if missing else []


def _heard(own: Any, value: Any, becomes: bool, heard: list[Mapping[Any, Any]]) -> Any:
    """Return a function that notes where what it returns comes from; anything else as it is."""
    if not isinstance(value, types.FunctionType):
        return value

    @functools.wraps(value)
    def function(*args: Any, **kwargs: Any) -> Any:
        found = value(*args, **kwargs)
        if becomes or (isinstance(found, (pd.DataFrame, pd.Series)) and "gaps" in found.attrs):
            heard.extend(each for each in _of(own, found, becomes) if not any(same(each, other) for other in heard))
        return found

    return function


def _rows(key: Any) -> Any:
    """Return what a key says of rows; which columns it names brings nothing."""
    return key[0] if isinstance(key, tuple) and len(key) == 2 else key


def _indexer(kind: Any) -> Any:
    """Return the class of `frame.loc` and the like, whose keys and values are looked at, too."""

    def get(self: Any, key: Any) -> Any:
        found = base.__getitem__(self, key)
        if self.obj.attrs and not _pandas(sys._getframe(1)) and isinstance(found, (pd.DataFrame, pd.Series)):
            given = [each for each in _of(self.obj, _rows(key), False) if not same(self.obj.attrs, each)]
            if given:
                found.attrs = joined([self.obj.attrs, *given])
        return found

    def put(self: Any, key: Any, value: Any) -> None:
        if self.obj.attrs and not _pandas(sys._getframe(1)):
            self.obj.attrs = joined([self.obj.attrs, *_of(self.obj, _rows(key), False), *_of(self.obj, value, True)])
        base.__setitem__(self, key, value)

    if kind in _classes:
        return _classes[kind]
    base: Any = kind
    return _classes.setdefault(kind, type(kind.__name__, (kind,), {"__getitem__": get, "__setitem__": put}))


class _Mixing:
    """What a frame and a column have in common."""

    attrs: dict[Any, Any]

    @property
    def loc(self) -> Any:
        """As of pandas."""
        plain = super().loc  # type: ignore[misc]
        return _indexer(type(plain))("loc", self) if self.attrs and not _pandas(sys._getframe(1)) else plain

    @property
    def iloc(self) -> Any:
        """As of pandas."""
        plain = super().iloc  # type: ignore[misc]
        return _indexer(type(plain))("iloc", self) if self.attrs and not _pandas(sys._getframe(1)) else plain

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> Any:
        super().__finalize__(other, method, **kwargs)  # type: ignore[misc]
        if hasattr(other, "input_objs"):
            self.attrs = joined([each.attrs for each in other.input_objs])
        return self


class _Passes(type):
    """A frame of pandas itself passes for one of ours, and ours for one of its: `assert_frame_equal` compares types."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return issubclass(type(instance), (cls, cls.__mro__[2]))

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.__mro__[2]

    def __hash__(cls) -> int:
        return hash(cls.__mro__[2])


class CoveredSeries(_Mixing, pd.Series, metaclass=_Passes):
    """A column of a `Covered` frame."""

    def _constructor_from_mgr(self, mgr: Any, axes: Any) -> CoveredSeries:
        found = CoveredSeries._from_mgr(mgr, axes=axes)  # type: ignore[attr-defined]
        found._name = None
        return found

    def _constructor_expanddim_from_mgr(self, mgr: Any, axes: Any) -> Covered:
        return Covered._from_mgr(mgr, axes=axes)  # type: ignore[attr-defined]

    @property
    def _constructor(self) -> type[CoveredSeries]:
        return CoveredSeries

    @property
    def _constructor_expanddim(self) -> type[Covered]:
        return Covered


class Covered(_Mixing, pd.DataFrame, metaclass=_Passes):
    """A frame of a recording: a DataFrame whose `attrs` say what it covers, also after it was mixed with others."""

    @property
    def _constructor(self) -> type[Covered]:
        return Covered

    def _constructor_from_mgr(self, mgr: Any, axes: Any) -> Covered:
        return Covered._from_mgr(mgr, axes=axes)  # type: ignore[attr-defined]

    def _constructor_sliced_from_mgr(self, mgr: Any, axes: Any) -> CoveredSeries:
        found = CoveredSeries._from_mgr(mgr, axes=axes)  # type: ignore[attr-defined]
        found._name = None
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name != "attrs" and self._attrs and name in self.columns:
            self[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def _constructor_sliced(self) -> type[CoveredSeries]:
        return CoveredSeries


def _watch(kind: type, plain: type) -> None:
    for name in dir(plain):
        operator = name.startswith("__") and name.strip("_") in _OPERATORS
        if (name.startswith("_") and not operator) or name.startswith("to_") or name in _LEFT_ALONE:
            continue
        method = inspect.getattr_static(plain, name)
        if isinstance(method, types.FunctionType) and len(inspect.signature(method).parameters) > 1:
            setattr(kind, name, _watched(name, method))


def as_of(frame: pd.DataFrame, made: pd.DataFrame) -> Covered:
    """Have what was made of a frame cover what that covers."""
    told = Covered(made, copy=False)
    told.attrs = dict(frame.attrs)
    return told


_watch(Covered, pd.DataFrame)
_watch(CoveredSeries, pd.Series)

__all__ = ["Covered", "asked"]
