"""A wheel stands alone: installed outside the checkout, it copies its lessons on request, and walks them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, and install it into an environment of its own, beside the tests' libraries; return its bin."""
    place = tmp_path_factory.mktemp("wheel")
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(place), str(CHECKOUT)]
    subprocess.run(wheel, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    python = place / "venv" / "bin" / "python"
    (built,) = place.glob("kitlib-*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(built)], check=True)
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    (own / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its own .pth files aren't followed
    return python.parent


def call(installed: Path, folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "KITLIB_BUILD")}
    shared = {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}
    return subprocess.run(
        [str(installed / words[0]), *words[1:]],
        cwd=folder,
        env={**kept, **shared, **more},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_wheels_kitlib_is_the_one_that_is_tried(installed, tmp_path):
    done = call(installed, tmp_path, "python", "-c", "import kitlib; print(kitlib.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(installed.parent), done.stderr


def test_where_nobody_can_be_asked_it_says_what_to_do(installed, tmp_path):
    for command in ("walk", "lab"):
        done = call(installed, tmp_path, "kitlib", command, KITLIB_STATE=str(tmp_path / "state"))
        assert done.returncode == 2 and "--yes" in done.stderr and "kitlib-lessons/" in done.stderr, done.stderr
    assert not (tmp_path / "kitlib-lessons").exists()


def test_what_is_there_already_is_not_touched(installed, tmp_path):
    mine = tmp_path / "kitlib-lessons" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = call(installed, tmp_path, "kitlib", "walk", "--yes", "start", KITLIB_STATE=str(tmp_path / "state"))
    assert done.returncode == 2 and "stays as it is" in done.stderr
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"] and mine.read_text() == "mine"


@pytest.mark.live
def test_it_copies_its_lessons_walks_one_and_writes_the_site(installed, tmp_path, cluster):
    words = ("kitlib", "walk", "start", "--provider", "embedded")
    done = call(installed, tmp_path, *words, "--yes")
    assert done.returncode == 0, done.stderr + done.stdout
    lessons = tmp_path / "kitlib-lessons"
    assert [path.name for path in tmp_path.iterdir()] == ["kitlib-lessons"]
    assert (lessons / "site" / "notebooks" / "start.html").is_file()
    assert "kitlib record" in (lessons / "site" / "reference" / "cli.html").read_text()
    first = lessons / "notebooks" / "start.ipynb"
    first.write_text(first.read_text().replace("Kubernetes", "Kubernetes "))
    changed = first.read_text()
    again = call(installed, tmp_path, *words, "--no-site")
    assert again.returncode == 0, again.stderr
    assert first.read_text() == changed, "the reader's own notebook stays"
