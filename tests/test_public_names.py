"""Every public name is documented and in the reference; every column of every frame is what its documentation says."""

from __future__ import annotations

import html
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import griffe
import pandas as pd
import pytest

import kitlib
from kitlib.frames import COLUMNS, STATES, Frames
from kitlib.recording import Recording

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "docs" / "reference"
REFERENCED = [
    f"kitlib.{name}"
    for name in (
        *("cluster", "api.transport", "objects", "watch", "recording", "frames", "rollout", "claims", "plots", "serve"),
        *("lab", "lessons.admission", "lessons.policies", "lessons.presets", "lessons.events", "lessons.ingress"),
        *("lessons.entry", "lessons.addresses", "lessons.measured", "lessons.figures", "lessons.clusterapi"),
        "lessons.interfaces",
        *("report", "walk", "site", "errors", "progress"),
    )
]


def modules() -> list[str]:
    """Return the names of all modules that a reader may import."""
    found = pkgutil.walk_packages(kitlib.__path__, "kitlib.")
    return ["kitlib", *(item.name for item in found if "airgap" not in item.name and "._" not in item.name)]


def public(module: str) -> dict[str, object]:
    """Return a module's public names: those of __all__, or what it defines without a leading underscore."""
    loaded = importlib.import_module(module)
    if hasattr(loaded, "__all__"):
        return {name: getattr(loaded, name) for name in loaded.__all__}
    return {
        name: value
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module
    }


@pytest.mark.parametrize("module", modules())
def test_every_module_says_what_it_is_for(module):
    text = importlib.import_module(module).__doc__
    assert text and text.strip().splitlines()[0].rstrip().endswith((".", ":", "::")), module


@pytest.mark.parametrize("module", modules())
def test_every_public_name_is_documented(module):
    problems = []
    for name, thing in public(module).items():
        if inspect.ismodule(thing):
            continue
        text = inspect.getdoc(thing) or ""
        if not callable(thing):
            if not documented_in_source(module, name):
                problems.append(f"{name}: a string below it should say what it is")
        elif not text or (inspect.isclass(thing) and text.startswith(f"{thing.__name__}(")):
            problems.append(f"{name} has no docstring")
        elif not text.splitlines()[0].rstrip().endswith((".", ":", "?")):
            problems.append(f"{name}: the first line should be a sentence")
    assert not problems, f"{module}: " + "; ".join(problems)


def documented_in_source(module: str, name: str) -> bool:
    source = Path(importlib.import_module(module).__file__ or "").read_text()
    documented = re.search(rf'^{name}(: [^=\n]+)? = .*?\n(\)|\]|}})?\n?"""', source, re.MULTILINE | re.DOTALL)
    return bool(documented) or f"import {name}" in source or f"    {name}," in source or f", {name}" in source


@pytest.mark.parametrize("module", modules())
def test_documented_parameters_are_real_ones(module):
    """What a numpy section names, the function or class takes."""
    problems = []
    for name, thing in public(module).items():
        if not callable(thing):
            continue
        try:
            real = set(inspect.signature(thing).parameters)
        except (TypeError, ValueError):
            continue
        for section in griffe.Docstring(inspect.getdoc(thing) or "").parse("numpy", warnings=False):
            if section.kind is griffe.DocstringSectionKind.parameters:
                listed = {part.strip().lstrip("*") for entry in section.value for part in entry.name.split(",")}
                problems += [f"{name} does not take {extra}" for extra in sorted(listed - real)]
    assert not problems, f"{module}: " + "; ".join(problems)


def test_every_public_module_is_in_the_reference():
    text = "\n".join(path.read_text() for path in REFERENCE.glob("*.md"))
    shown = set(re.findall(r"^::: ([\w.]+)", text, re.MULTILINE))
    assert not [module for module in REFERENCED if module not in shown]


@pytest.mark.live
@pytest.mark.slow
def test_every_public_name_has_a_place_on_the_site(walked_site):
    """As the reader meets it: an anchor on a page of the reference."""
    pages = "\n".join(path.read_text() for path in (walked_site / "reference").rglob("*.html"))
    anchors = set(re.findall(r'id="(kitlib[\w.]*)"', pages))
    directives = "\n".join(path.read_text() for path in REFERENCE.glob("*.md"))
    lacking = []
    for module in ("kitlib", *REFERENCED):
        for name, thing in public(module).items():
            if inspect.ismodule(thing):
                shown = thing.__name__ in REFERENCED or thing.__name__ in directives
            elif inspect.isclass(thing) or inspect.isfunction(thing):
                homes = {f"{module}.{name}", f"{thing.__module__}.{thing.__qualname__}"}
                shown = bool(homes & anchors)
            else:
                continue
            if not shown:
                lacking.append(f"{module}.{name}")
    assert not lacking, lacking


@pytest.mark.live
@pytest.mark.slow
def test_every_column_is_on_the_site_with_dtype_and_meaning(walked_site):
    page = html.unescape(re.sub(r"<[^>]+>", "", (walked_site / "reference" / "frames.html").read_text()))
    plain = " ".join(page.split())
    for frame, columns in COLUMNS.items():
        for column, about in columns.items():
            assert column in plain and about.dtype in plain, f"{frame}.{column}"
            assert " ".join(about.text.split()) in plain, f"{frame}.{column}: {about.text}"


@pytest.fixture(scope="module")
def frames() -> Frames:
    return Recording.open(CHECKOUT / "tests" / "data" / "rollout").frames


def test_every_frame_documents_its_columns():
    assert set(COLUMNS) == {
        "pods",
        "workloads",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "containers",
        "conditions",
        "nodes",
        "events",
        "occurrences",
        "logs",
        "traffic",
        "probes",
        "endpoints",
        "gaps",
        "coverage",
        "left_out",
        "steps",
    }
    for frame, columns in COLUMNS.items():
        for column, about in columns.items():
            assert about.dtype and about.text, f"{frame}.{column}"
            if about.dtype in ("int64", "Int64") and column.endswith("_ns"):
                assert about.unit == "ns"


@pytest.mark.parametrize("name", list(COLUMNS))
def test_a_real_frame_has_the_documented_columns(frames, name):
    check(getattr(frames, name), name)


@pytest.mark.parametrize("name", list(COLUMNS))
def test_an_empty_frame_has_them_too(name):
    check(getattr(Recording().frames, name), name)


def check(frame: pd.DataFrame, name: str) -> None:
    assert list(frame.columns) == list(COLUMNS[name])
    for column, about in COLUMNS[name].items():
        assert same(frame[column].dtype, about.dtype), f"{name}.{column}: {frame[column].dtype}, not {about.dtype}"
    if name == "pods":
        assert list(frame["state"].cat.categories) == list(STATES)


def same(real: object, documented: str) -> bool:
    if documented == "str":
        return pd.api.types.is_string_dtype(real)
    return str(real) == documented


def test_the_real_recording_is_not_trivial(frames):
    for name in ("pods", "workloads", "containers", "conditions", "events"):
        assert len(getattr(frames, name)) > 5, name
