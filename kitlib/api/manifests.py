"""Manifests → objects, as kubectl takes them: a path, a folder, YAML or JSON text, one object, several, or lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kitlib.api.values import parse, plain
from kitlib.errors import UsageError

SUFFIXES = (".yaml", ".yml", ".json")
"""Files of a folder that are manifests, as for kubectl."""
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""How a file begins that was written as UTF-16, as PowerShell does it."""
SERVERS = (
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""Fields of metadata that the server fills in; a list that it wrote has them."""


def load(source: str | Path | dict | Iterable[dict], base: Path | None = None) -> list[dict[str, Any]]:
    """Read manifests: a path, YAML or JSON text, one object or several.

    Plain values are read as kubectl reads them. A list (`kind: List`, or that of one kind) is taken apart, and its
    items lose what the server had filled in.

    Parameters
    ----------
    source : str, Path, dict or iterable of dict
        A string with a line break, with a colon and a space, or that begins with a brace, is text; any other a path.
        Of a folder, its .yaml, .yml and .json files are read, in the order of their names.
    base : Path, optional
        Folder that a relative path is meant from; the current one if None.

    Returns
    -------
    list of dict
        Copies that have nothing but what JSON has.

    Raises
    ------
    UsageError
        If there is no such file, it is no YAML, an object lacks apiVersion, kind or metadata.name, or it is a URL.
    """
    found = [item for name, document in _documents(source, base) for item in _items(name, document)]
    if not found:
        raise UsageError(
            "there is no object in it",
            step="load",
            object=str(source) if is_path(source) else "manifest",
            next="check the file",
        )
    return found


def is_path(source: object) -> bool:
    """Say whether a manifest's source names a file; a string that reads like YAML or JSON doesn't."""
    if not isinstance(source, str):
        return isinstance(source, Path)
    return "\n" not in source and ": " not in source and not source.lstrip().startswith(("{", "["))


def read(path: str | Path, base: Path | None = None) -> str:
    """Return a manifest's text, exactly as it is in its file.

    Raises
    ------
    UsageError
        If there is no such file, it is neither UTF-8 nor UTF-16 with its mark, or it is a URL.
    """
    if str(path).lower().startswith(("http://", "https://", "http:/", "https:/")):
        raise UsageError(
            "a URL is not read: what is applied should be a file that you have seen",
            step="load",
            object=str(path),
            next="fetch it first, look at it, and name the file: curl -LO URL",
        )
    try:
        data = ((base or Path()) / path).read_bytes()
        return (
            data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        )
    except UnicodeDecodeError as error:
        raise UsageError(
            f"this is no UTF-8: byte {error.start} is none of it",
            step="load",
            object=str(path),
            next="save it as UTF-8",
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(
            f"can't be read: {getattr(error, 'strerror', None) or error}",
            step="load",
            object=str(path),
            next=f"check the path; it is meant from {base or Path.cwd()}",
        ) from error


def fields_of(text: str) -> dict[str, Any]:
    """Return the fields that a patch names, written as YAML or JSON.

    Raises
    ------
    UsageError
        If it isn't one map.
    """
    documents = parse(text, "patch")
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise UsageError(
            "a patch is one map of fields", step="patch", object="patch", next='write "spec: {replicas: 3}"'
        )
    return documents[0]


def _documents(source: Any, base: Path | None) -> Iterator[tuple[str, Any]]:
    """Yield each document of a source, with the words by which an error calls it."""
    if isinstance(source, dict):
        yield "manifest", plain(source)
    elif isinstance(source, str | Path):
        if not is_path(source):
            yield from _numbered("manifest", parse(str(source)))
            return
        where = (base or Path()) / source
        if not where.is_dir():
            yield from _numbered(str(source), parse(read(source, base), str(source)))
            return
        for path in sorted(path for path in where.iterdir() if path.suffix in SUFFIXES and path.is_file()):
            name = str(Path(source) / path.name)
            yield from _numbered(name, parse(read(path), name))
    else:
        for number, item in enumerate(source, 1):
            yield f"manifest, document {number}", plain(item)


def _numbered(name: str, documents: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, document in enumerate(documents, 1):
        yield f"{name}, document {number}" if len(documents) > 1 else name, document


def _items(name: str, document: Any) -> Iterator[dict[str, Any]]:
    """Yield an object, or those of a list; each is checked for what every object needs."""
    if not isinstance(document, dict):
        raise _incomplete(name, f"it is {_called(document)}, no object")
    kind = document.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and (kind == "List" or "items" in document):
        items = document.get("items") or []
        if not isinstance(items, list):
            raise _incomplete(name, f"its items are {_called(items)}, no list", "write a list of objects")
        for number, item in enumerate(items, 1):
            yield from _items(f"{name}, item {number}", _listed(item, document))
        return
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    needed = {
        "apiVersion": document.get("apiVersion"),
        "kind": kind,
        "metadata.name": metadata.get("name"),
    }
    missing = [key for key, value in needed.items() if value is None or value == ""]
    if missing:
        hint = "; with generateName alone it can't be applied, only created" if "generateName" in metadata else ""
        raise _incomplete(name, f"it has no {', '.join(missing)}{hint}")
    for key, value in {**needed, "metadata.namespace": metadata.get("namespace") or ""}.items():
        if not isinstance(value, str):
            raise _incomplete(name, f"{key} is {_called(value)}, no text", "write it in quotes")
    yield document


def _listed(item: Any, document: dict[str, Any]) -> Any:
    """Return a list's item without what the server filled in; where it doesn't say its kind, the list does."""
    if not isinstance(item, dict):
        return item
    kind, version = str(document["kind"]).removesuffix("List"), document.get("apiVersion")
    if kind and not item.get("kind"):
        item = {"apiVersion": version, "kind": kind, **item}
    if isinstance(item.get("metadata"), dict):
        item = {**item, "metadata": {key: each for key, each in item["metadata"].items() if key not in SERVERS}}
    return item


def _incomplete(
    name: str, what: str, hint: str = "every object needs apiVersion, kind and metadata.name"
) -> UsageError:
    return UsageError(what, step="load", object=name, next=hint)


def _called(value: Any) -> str:
    """Return what a person calls a JSON value's type; the value itself is not told."""
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "a map", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")


__all__ = ["SERVERS", "SUFFIXES", "fields_of", "is_path", "load", "parse", "plain", "read"]
