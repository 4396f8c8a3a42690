"""Which notebooks there are, in which order; what lies beside them; taking executed copies over."""

from __future__ import annotations

import difflib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitlib.errors import UsageError
from kitlib.files import whole
from kitlib.lessons import folder
from kitlib.walk.report import SKIP_TAG

if TYPE_CHECKING:
    import nbformat


def checkout(start: Path | None = None) -> Path:
    """Find the folder with notebooks/ and mkdocs.yml; see `kitlib.lessons.folder.find`."""
    return folder.find(start)


def reading_order(root: Path) -> list[str]:
    """Return the names of all notebooks, in the order of mkdocs.yml's nav; those that it lacks come last."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads mkdocs.yml; tags that only MkDocs understands become None."""

    Loader.add_multi_constructor("", lambda loader, suffix, node: None)
    document = yaml.load((root / "mkdocs.yml").read_text(encoding="utf-8"), Loader=Loader) or {}

    def leaves(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from leaves(child)

    there = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    named = [Path(leaf).stem for leaf in leaves(document.get("nav")) if leaf.endswith(".ipynb")]
    ordered = [name for name in dict.fromkeys(named) if name in there]
    return ordered + sorted(there.difference(ordered))


def find(name: str, root: Path, step: str = "walk") -> Path:
    """Return the notebook of that name in the checkout, or at that path; who names none is told which there are."""
    for path in (root / "notebooks" / f"{name}.ipynb", Path(name)):
        if path.suffix == ".ipynb" and path.is_file():
            return path.resolve()
    there = reading_order(root)
    near = difflib.get_close_matches(Path(name).stem.lower(), there, 1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise UsageError(
        f"no notebook {name!r}",
        step=step,
        object=str(root / "notebooks"),
        next=f"{guess}choose from: {', '.join(there) or 'none is there'}",
    )


def title(nb: nbformat.NotebookNode) -> str:
    """Return a notebook's first heading."""
    for cell in nb.cells:
        match = re.search(r"^#\s+(.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if match:
            return match.group(1).strip()
    return "untitled"


def copy_beside(source: Path, target: Path, everything: bool) -> None:
    """Copy what notebooks read beside their copies: manifests, and in the checkout all else in notebooks/, too."""
    target.mkdir(parents=True, exist_ok=True)
    if source == target:
        return
    for path in source.iterdir() if everything else [source / "manifests"]:
        if path.name.startswith(".") or path.suffix == ".ipynb":
            continue
        if path.is_dir():
            shutil.copytree(path, target / path.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
        elif path.is_file():
            shutil.copy2(path, target / path.name)


def read(source: Path) -> nbformat.NotebookNode:
    """Read a notebook without its outputs; a cell that is not to be run keeps them."""
    import nbformat

    try:
        nb = nbformat.read(source, as_version=4)
    except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
        raise UsageError(
            f"this notebook can't be read: {str(error).splitlines()[0]}",
            step="walk",
            object=str(source),
            next="open it in JupyterLab, or take it from git again",
        ) from error
    for cell in nb.cells:
        if cell.cell_type == "code" and SKIP_TAG not in cell.metadata.get("tags", []):
            cell.outputs, cell.execution_count = [], None
    return nb


def write(nb: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    import nbformat

    with whole(path) as draft:
        nbformat.write(nb, draft)


def without_places(content: Any, places: Sequence[tuple[Path, str]]) -> Any:
    """Return a notebook's content with folders of this machine under short names.

    A folder is replaced where it stands as whole components of a path, so that addresses stay what they are; the root
    of all folders never is. Pictures stay as they are.

    Parameters
    ----------
    content : str, list or dict
        As JSON has it.
    places : sequence of (Path, str)
        Folder and short name, the inner ones first.
    """
    if isinstance(content, str):
        for place, short in places:
            if place == Path(place.anchor):
                continue
            whole_components = rf"(^|[^\w.~/-]|file://|\x1b\[[0-9;]*m){re.escape(str(place))}(?![\w-]|\.\w)"
            content = re.sub(whole_components, rf"\g<1>{short}", content)
        return content
    if isinstance(content, list):
        return [without_places(each, places) for each in content]
    if isinstance(content, dict):
        kept = ("image/png", "image/jpeg")
        return {key: each if key in kept else without_places(each, places) for key, each in content.items()}
    return content


def publish(build: Path, root: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Take executed copies over into notebooks/, to be committed: without paths of this machine.

    Parameters
    ----------
    build : Path
        Where the copies are.
    root : Path
        The checkout.
    names : sequence of str, optional
        Which; all by default.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UsageError
        If a notebook has no executed copy.
    """
    import nbformat

    written = []
    for name in names or reading_order(root):
        copy = build / "notebooks" / f"{name}.ipynb"
        if not copy.is_file():
            raise UsageError(f"{name} has no executed copy", step="publish", object=str(copy), next="run `make walk`")
        places = ((build, "build"), (root, "."), (Path.home(), "~"))
        nb = nbformat.from_dict(without_places(json.loads(copy.read_text(encoding="utf-8")), places))
        write(nb, root / "notebooks" / f"{name}.ipynb")
        written.append(root / "notebooks" / f"{name}.ipynb")
    return written
