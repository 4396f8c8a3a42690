"""Manifests → objects: a path, YAML or JSON text, one object or several."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from kitlib.errors import UsageError


def load(source: str | Path | dict | Iterable[dict], base: Path | None = None) -> list[dict[str, Any]]:
    """Read manifests: a path, YAML text, one object or several.

    Parameters
    ----------
    source : str, Path, dict or iterable of dict
        A string with a line break, or with a colon and a space, is YAML text; any other a path.
    base : Path, optional
        Folder that a relative path is meant from; the current one if None.

    Raises
    ------
    UsageError
        If there is no such file, it is no YAML, or an object lacks apiVersion, kind or metadata.name.
    """
    name = "manifest"
    if isinstance(source, dict):
        documents: list[Any] = [source]
    elif isinstance(source, str | Path):
        text = str(source)
        if is_path(source):
            name = text
            try:
                text = ((base or Path()) / text).read_text(encoding="utf-8")
            except OSError as error:
                raise UsageError(
                    f"can't be read: {error.strerror}",
                    step="load",
                    object=name,
                    next=f"check the path; it is meant from {base or Path.cwd()}",
                ) from error
        try:
            documents = [document for document in yaml.safe_load_all(text) if document is not None]
        except yaml.YAMLError as error:
            raise UsageError(f"this is no YAML: {error}", step="load", object=name, next="mend that line") from error
    else:
        documents = list(source)
    for number, document in enumerate(documents, 1):
        metadata = document.get("metadata") if isinstance(document, dict) else None
        missing = [key for key in ("apiVersion", "kind") if not (isinstance(document, dict) and document.get(key))]
        if not isinstance(metadata, dict) or not metadata.get("name"):
            missing.append("metadata.name")
        if missing:
            raise UsageError(
                f"document {number} has no {', '.join(missing)}",
                step="load",
                object=name,
                next="every object needs apiVersion, kind and metadata.name",
            )
    if not documents:
        raise UsageError("there is no object in it", step="load", object=name, next="check the file")
    return documents


def is_path(source: object) -> bool:
    """Say whether a manifest's source names a file; a string that reads like YAML doesn't."""
    return isinstance(source, Path) or (isinstance(source, str) and "\n" not in source and ": " not in source)


__all__ = ["is_path", "load"]
