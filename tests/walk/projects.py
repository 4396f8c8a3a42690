"""Tiny projects to be walked, and a cluster of which nothing runs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat

from kitlib.walk import WalkResult, walk

LEDGER = """
import json, os, pathlib
def ledger(name, *claims, complete=True):
    folder = pathlib.Path(os.environ["KITLIB_BUILD"]) / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"notebook": name, "complete": complete, "claims": list(claims)}))
def claim(id, verdict, expected="holds", **more):
    return {"id": id, "text": f"The claim {id}", "verdict": verdict, "expected": expected, "evidence": [], **more}
"""


@dataclass
class FakeCluster:
    """As much of a cluster as a walk needs; nothing runs."""

    name: str = "embedded-0.0"
    provider: str = "embedded"
    context: str = "kwok"
    made_by_kitlib: bool = False
    writable: bool = True

    def to_dict(self):
        return {"name": self.name, "provider": self.provider, "version": "0.0", "release": "v0.0.0"}


def notebook(*cells: str | tuple[str, list[str]], title: str = "Try things") -> nbformat.NotebookNode:
    nb = nbformat.v4.new_notebook()
    nb.cells.append(nbformat.v4.new_markdown_cell(f"# {title}"))
    for cell in cells:
        source, tags = (cell, []) if isinstance(cell, str) else cell
        nb.cells.append(nbformat.v4.new_code_cell(textwrap.dedent(source).strip(), metadata={"tags": tags}))
    return nb


def put(project: Path, name: str, nb: nbformat.NotebookNode) -> None:
    nbformat.write(nb, project / "notebooks" / f"{name}.ipynb")


def run(project: Path, *names: str, **options) -> tuple[WalkResult, str]:
    lines: list[str] = []
    result = walk(list(names) or None, FakeCluster(), root=project, say=lines.append, **options)
    return result, "\n".join(lines)


def executed(result: WalkResult, index: int = 0) -> nbformat.NotebookNode:
    return nbformat.read(result.notebooks[index].path, as_version=4)
