"""Build the site whole, check it, and only then put it in the old one's place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from kitlib import files
from kitlib.errors import KitlibError, UsageError
from kitlib.site.links import check_links

SHOWN = 20
"""Problems or warnings that an error's message names before it only counts."""


def build(checkout: Path, build: Path, out: Path) -> Path:
    """Write the site of a checkout to `out`.

    The site is made in the build folder, its links are checked there, and then the two folders change places: an
    interrupted or failed build leaves the old site as it was. Nothing else in the checkout is touched.

    Parameters
    ----------
    checkout : Path
        The folder that holds mkdocs.yml, docs/ and notebooks/.
    build : Path
        Where the walk left executed notebooks (`notebooks/`) and claims (`claims/`).
    out : Path
        Where the site goes. What lies there must be a site already, or nothing.

    Returns
    -------
    Path
        The site's first page.

    Raises
    ------
    UsageError
        `checkout` has no mkdocs.yml, or `out` holds something else than a site.
    KitlibError
        MkDocs refused a page, or a link of the finished site leads nowhere.
    """
    checkout, build, out = (Path(path).resolve() for path in (checkout, build, out))
    config = checkout / "mkdocs.yml"
    if not config.is_file():
        raise UsageError("no mkdocs.yml there", step="site", object=str(checkout), next="name a checkout of the kit")
    fresh, old = build / "site.new", build / "site.old"
    build.mkdir(parents=True, exist_ok=True)
    if old.is_dir() and not out.exists():
        files.move_folder(old, out)  # an earlier build was killed between its two moves
    if out.exists() and not _is_site(out):
        raise UsageError(
            "there is something there that is not a site, and it stays",
            step="site",
            object=str(out),
            next="name another folder for the site, or move what is there",
        )
    for leftover in (fresh, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    _mkdocs(config, build, fresh)
    problems = check_links(fresh)
    if problems:
        kept = f"the site of the last good build is still at {out}" if out.exists() else "no site was written"
        raise KitlibError(
            f"{len(problems)} problems:\n" + _listed([f"  {problem}" for problem in problems]),
            step="check the site",
            object=str(fresh),
            next=f"mend the pages named; {kept}",
        )
    if out.exists():
        files.move_folder(out, old)
    out.parent.mkdir(parents=True, exist_ok=True)
    files.move_folder(fresh, out)
    shutil.rmtree(old, ignore_errors=True)
    return out / "index.html"


def _is_site(folder: Path) -> bool:
    """Say whether a folder is empty or a site that was built here."""
    if not folder.is_dir():
        return False
    return not any(folder.iterdir()) or ((folder / "index.html").is_file() and (folder / "ledger.json").is_file())


def _mkdocs(config: Path, build: Path, out: Path) -> None:
    """Run MkDocs in a process of its own, strictly: a warning is an error."""
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        str(config),
        "--site-dir",
        str(out),
    ]
    surroundings = {
        **os.environ,
        "KITLIB_BUILD": str(build),
        "NO_MKDOCS_2_WARNING": "1",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
    }
    ran = subprocess.run(
        command, env=surroundings, cwd=config.parent, capture_output=True, encoding="utf-8", errors="replace"
    )
    if ran.returncode == 0:
        return
    said = [line for line in (ran.stderr + ran.stdout).splitlines() if line.strip()]
    told = [line for line in said if re.match(r"(WARNING|ERROR|CRITICAL)\b", line)] or said[-SHOWN:]
    raise KitlibError(
        "MkDocs stopped:\n" + _listed([f"  {line}" for line in told]),
        step="build the site",
        object=str(config),
        next="mend the pages named; `mkdocs build --strict` shows the same",
    )


def _listed(lines: list[str]) -> str:
    more = len(lines) - SHOWN
    return "\n".join(lines[:SHOWN] + ([f"  … and {more} more"] if more > 0 else []))
