"""What was measured, as `build/bench.json` for programs and as tables in `docs/benchmarks.md` for readers."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks._contest import Result

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = CHECKOUT / "build"
PAGE = CHECKOUT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- begin: written by python -m benchmarks --write-docs -->", "<!-- end -->"
CPU, WALL = " (CPU)", " (wall)"
"""How names end, by the clock."""
PACKAGES = ("kubernetes", "kr8s", "lightkube", "orjson", "msgspec", "urllib3", "pandas", "pyarrow")


def about(began: float, load: tuple[float, float]) -> dict[str, Any]:
    """Return on what, when and beside what else it was measured.

    Parameters
    ----------
    began : float
        When it began, seconds since 1970.
    load : tuple of float
        The load average when it began and when it ended.
    """
    return {
        "at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(began)),
        "seconds": round(time.time() - began),
        "load": [round(each, 1) for each in load],
        "machine": machine(),
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
    }


def machine() -> str:
    """Return the machine in a few words."""
    cpu, memory = platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next(
            (line.split(": ")[1] for line in info.read_text().splitlines() if line.startswith("model name")), cpu
        )
        total = int(Path("/proc/meminfo").read_text().split()[1])
        memory = f", {total / 2**20:.0f} GiB"
    count = os.cpu_count()
    return f"{platform.system()}, {count} CPU{'' if count == 1 else 's'} ({cpu}){memory}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def entries(benchmark: str, results: Iterable[Result]) -> list[dict[str, Any]]:
    """Return results as they stand in bench.json."""
    return [
        {
            "benchmark": benchmark,
            "name": result.name + (f" ({result.clock})" if result.clock else ""),
            "value": _digits(result.value),
            "unit": result.unit,
            "peer": result.peer,
            "peer_value": None if result.peer_value is None else _digits(result.peer_value),
            "ratio": None if result.ratio is None else _digits(result.ratio),
            "spread": [_digits(each) for each in result.spread],
            "aim": result.aim.text if result.aim else None,
            "kept": result.kept,
        }
        for result in results
    ]


def _digits(value: float) -> float:
    return float(f"{value:.4g}")


def save(benchmark: str, results: Iterable[Result], of: Mapping[str, Any], build: Path = BUILD) -> None:
    """Write what one benchmark has found; what others found stays."""
    build.mkdir(parents=True, exist_ok=True)
    known = [entry for entry in load(build) if entry["benchmark"] != benchmark]
    _write(build / "bench.json", known + entries(benchmark, results))
    _write(build / "bench-about.json", {**load_about(build), benchmark: dict(of)})


def load(build: Path = BUILD) -> list[dict[str, Any]]:
    """Return all that was found, benchmark by benchmark."""
    path = build / "bench.json"
    return json.loads(path.read_text()) if path.exists() else []


def load_about(build: Path = BUILD) -> dict[str, dict[str, Any]]:
    """Return when and on what each benchmark ran."""
    path = build / "bench-about.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _write(path: Path, what: object) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(what, indent=1, ensure_ascii=False) + "\n")
    draft.replace(path)


def lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return results for a terminal."""
    said = []
    for entry in found:
        text = f"{entry['name']}: {_amount(entry['value'], entry['unit'])}"
        if entry["peer_value"] is not None:
            text += f" · {entry['peer']}: {_amount(entry['peer_value'], entry['unit'])}"
            text += f", {times(entry['ratio'])}" if entry["ratio"] is not None else ""
        if entry["aim"]:
            text += f" · {'kept' if entry['kept'] else 'NOT KEPT'}: {entry['aim']}"
        said.append(text)
    return said


def times(ratio: float) -> str:
    """Say how kitlib's figure stands to the peer's: "26 × less"."""
    factor = max(ratio, 1 / ratio) if ratio else 0
    text = f"{factor:.0f}" if factor >= 20 else f"{factor:.1f}" if factor >= 2 else f"{factor:.2f}"
    return f"{text} × {'less' if ratio >= 1 else 'more'}"


def _amount(value: float, unit: str) -> str:
    if unit == "s" and value < 1:
        value, unit = value * 1000, "ms"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def tables(names: Sequence[str], build: Path = BUILD) -> str:
    """Return the tables for the page, in Markdown."""
    found, runs = load(build), load_about(build)
    parts = []
    for name in names:
        ours = [entry for entry in found if entry["benchmark"] == name]
        if ours:
            parts += [f"### {name}", "", _summary(name), "", *_table(ours), "", _run(runs[name]), ""]
    newest = max(runs.values(), key=lambda run: run["at"], default=None)
    if newest:
        versions = ", ".join(f"{name} {version}" for name, version in newest["versions"].items())
        parts.insert(0, f"Measured on {newest['machine']}, with Python {newest['python']}, {versions}.\n")
    return "\n".join(parts).rstrip()


def _summary(name: str) -> str:
    doc = importlib.import_module(f"benchmarks.{name}").__doc__ or ""
    return " ".join(doc.split("\n\n")[0].split())


def _run(run: Mapping[str, Any]) -> str:
    begin, end = run["load"]
    return f"Run on {run['at']} in {run['seconds']} s; load average {begin} at its begin, {end} at its end."


def _table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table; what was measured by both clocks is one line, and what has several peers is named once."""
    by_clock = {(_bare(entry), entry["peer"]): entry for entry in found if entry["name"].endswith(WALL)}
    both = {
        key for entry in found if entry["name"].endswith(CPU) and (key := (_bare(entry), entry["peer"])) in by_clock
    }
    made = ["| | kitlib | against | | ratio | by the clock | aim |", "| --- | --- | --- | --- | --- | --- | --- |"]
    before = ""
    for entry in found:
        key = _bare(entry), entry["peer"]
        alone = entry["name"].endswith(WALL)
        if alone and key in both:
            continue
        unit = entry["unit"]
        name = f"{key[0]} (by the clock)" if alone else key[0]
        value = _amount(entry["value"], unit) + _spread(entry)
        peer = "" if entry["peer_value"] is None else _amount(entry["peer_value"], unit)
        ratio = "" if entry["ratio"] is None else times(entry["ratio"])
        clock = ""
        if key in both:
            wall = by_clock[key]
            clock = _amount(wall["value"], unit) if wall["ratio"] is None else times(wall["ratio"])
        aim = f"{'✓' if entry['kept'] else '✗'} {entry['aim']}" if entry["aim"] else ""
        shown = ["", ""] if name == before else [name, value]
        made.append("| " + " | ".join([*shown, entry["peer"] or "", peer, ratio, clock, aim]) + " |")
        before = name
    return made


def _spread(entry: Mapping[str, Any]) -> str:
    least, most = (_amount(each, entry["unit"]) for each in entry["spread"])
    if least == most:
        return ""
    number, unit = least.split(" ")
    return f" ({number if unit == most.split(' ')[1] else least} – {most})"


def _bare(entry: Mapping[str, Any]) -> str:
    return entry["name"].removesuffix(CPU).removesuffix(WALL)


def write_page(names: Sequence[str], page: Path = PAGE, build: Path = BUILD) -> None:
    """Put the tables into the page, between its two marks; all else on it stays.

    Raises
    ------
    ValueError
        If the page has no such marks.
    """
    text = page.read_text()
    if text.count(BEGIN) != 1 or END not in text.split(BEGIN)[1]:
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{tables(names, build)}\n\n{END}{rest.split(END, 1)[1]}")


def tell(text: str) -> None:
    """Say on standard output, on a line of its own."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    print(text, flush=True)
