"""pyproject.toml, constraints.txt, environment.yml and the set-up agree; no file knows this machine."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = [line.strip() for line in (CHECKOUT / "constraints.txt").read_text().splitlines()]
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def conda() -> dict:
    return yaml.safe_load((CHECKOUT / "environment.yml").read_text())


def tool(name: str):
    spec = importlib.util.spec_from_file_location(name, CHECKOUT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def requirements(project: dict) -> list[Requirement]:
    lines = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in project["project"]["optional-dependencies"].values():
        lines += extra
    found = [Requirement(line) for line in lines]
    return [each for each in found if each.name != project["project"]["name"]]


def test_constraints_hold_names_and_versions_alone():
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    for line in pinned:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*", line), line
    names = [line.split("==")[0] for line in pinned]
    assert names == sorted(set(names))


def test_every_dependency_is_pinned_and_its_pin_is_allowed(project, pins):
    for wanted in requirements(project):
        name = canonicalize_name(wanted.name)
        assert name in pins, f"{name} is not in constraints.txt: make pin"
        assert wanted.specifier.contains(pins[name]), f"{wanted} does not allow {pins[name]}"


def test_every_pin_can_be_had_by_the_oldest_python_that_is_promised(project, pins):
    oldest = project["project"]["requires-python"].removeprefix(">=") + ".0"
    for name, version in pins.items():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of another environment: it is looked at there
        needs = found.metadata.get("Requires-Python")
        if needs and found.version == version:
            assert SpecifierSet(needs).contains(oldest), f"{name} {version} needs Python {needs}: pin an older one"


def test_pins_reach_all_the_way_down(pins):
    found = tool("pin").pins()
    assert not set(found) - set(pins), "make pin"


def test_what_is_installed_is_what_is_pinned(pins):
    """The tests speak for the pinned versions only if they run on them."""
    wrong = []
    for name, version in pins.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if Version(installed) != Version(version):
            wrong.append(f"{name} {installed}, pinned {version}")
    assert not wrong, wrong


def test_nothing_is_pinned_that_nobody_needs(project, pins):
    """What no longer is a dependency loses its pin; what isn't installed here may need more than is known here."""
    known = {*tool("pin").pins(), *(canonicalize_name(each.name) for each in requirements(project))}
    there = {name for name in set(pins) - known if is_installed(name)}
    assert not there - {"pip", "setuptools"}, f"nobody needs {', '.join(sorted(there))}: make pin"
    assert "kitlib" not in pins


def is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def test_user_chosen_packages_are_dependencies(project):
    names = {canonicalize_name(Requirement(line).name) for line in project["project"]["dependencies"]}
    assert {"jupyterlab", "kubernetes", "pandas", "matplotlib", "mkdocs-material"} <= names


def test_environment_yml_is_in_step(project, conda):
    assert conda["name"] == project["project"]["name"]
    assert set(conda["channels"]) == {"conda-forge", "nodefaults"}
    packages = {line.split()[0]: "".join(line.split()[1:]) for line in conda["dependencies"] if isinstance(line, str)}
    assert SpecifierSet(packages["python"]) == SpecifierSet(project["project"]["requires-python"])
    assert {"pip", "make"} <= set(packages)
    (through_pip,) = [line["pip"] for line in conda["dependencies"] if isinstance(line, dict)]
    assert through_pip == ["--constraint constraints.txt", "--editable .[test]"]
    assert "test" in project["project"]["optional-dependencies"]


def test_pip_takes_environment_yml_section(conda, tmp_path):
    """What conda hands to pip is a requirements file beside environment.yml; pip must understand it."""
    from pip._internal.network.session import PipSession
    from pip._internal.req import parse_requirements

    (lines,) = [line["pip"] for line in conda["dependencies"] if isinstance(line, dict)]
    file = tmp_path / "condaenv.requirements.txt"
    file.write_text("\n".join(lines).replace("constraints.txt", str(CHECKOUT / "constraints.txt")))
    parsed = list(parse_requirements(str(file), session=PipSession()))
    assert sum(not item.constraint for item in parsed) == 1
    assert sum(item.constraint for item in parsed) > 100


def test_python_versions_agree(project):
    least = project["project"]["requires-python"].removeprefix(">=")
    assert project["tool"]["mypy"]["python_version"] == least
    assert project["tool"]["ruff"]["target-version"] == "py" + least.replace(".", "")
    assert f"({least.replace('.', ', ')})" in (CHECKOUT / "Makefile").read_text()


def test_version_is_one(project):
    import kitlib

    assert kitlib.__version__ == project["project"]["version"] == metadata.version("kitlib")


# The one place where these may stand is this test.
MACHINE = re.compile(
    "|".join(
        [
            r"/ro" + r"ot\b(?!/\.local/state/x)",
            r"/wo" + r"rk/(main|shared|\.)",
            r"/tmp/k" + r"b\b",
            r"/opt/whe" + r"els",
            r"\bpypi\.or" + r"g|pythonhosted\.or" + r"g",
            r"proxy\.gola" + r"ng\.org|sum\.gola" + r"ng\.org",
            r"registry\.npmj" + r"s\.org|crat" + r"es\.io|deb\.debi" + r"an\.org|repo1\.mav" + r"en",
            r"PIP_(EXTRA_)?INDEX_" + r"URL|--(extra-)?index-" + r"url|GOPRO" + r"XY=",
        ]
    )
)
BINARY = {".png", ".parquet", ".ico", ".woff2", ".jpg", ".gz"}


def test_no_file_knows_this_machine_or_a_registrys_host(tracked):
    found = []
    for path in tracked:
        data = path.read_bytes()
        if path.suffix in BINARY:
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            match = MACHINE.search(line)
            if match:
                found.append(f"{path.relative_to(CHECKOUT)}:{number}: {match.group(0)}")
    assert not found, "\n".join(found[:30])


def test_files_are_small_and_text_ends_in_a_newline(tracked):
    for path in tracked:
        assert path.stat().st_size < 2_000_000, f"{path} is large for a repository"
        if path.suffix in {".py", ".toml", ".yml", ".yaml", ".md", ".txt", ".ipynb"}:
            text = path.read_text()
            assert not text or text.endswith("\n"), path


@pytest.mark.slow
def test_the_wheel_holds_what_kitlib_reads_at_run_time(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, CHECKOUT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("kitlib-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "kitlib"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    missing = [name for name in tracked.stdout.split() if name not in held]
    assert not missing, missing
    assert any(name.endswith("entry_points.txt") for name in held)
    assert any(name.endswith("LICENSE") for name in held)


def test_make_help_names_every_target_a_reader_needs():
    done = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for target in ("walk", "lab", "test", "check", "bench", "site", "notebooks", "clean"):
        assert f"make {target} " in done.stdout, target


@pytest.mark.parametrize("named", ["", "/no/such/python", "/bin/false"])
def test_make_without_a_python_says_what_to_install(named):
    done = subprocess.run(
        ["make", "python", f"PYTHON={named}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr and "Next:" in done.stderr and named in done.stderr
    assert max(map(len, done.stderr.splitlines())) <= 80, "a terminal of 80 columns breaks no word of it"


@pytest.mark.parametrize("columns", [60, 80])
def test_the_list_of_targets_fits_the_terminal(columns):
    done = subprocess.run(
        ["make", "help"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "COLUMNS": str(columns)},
    )
    assert "  make walk  " in done.stdout and "  make test-lowest " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns


def test_readme_fits_one_screen():
    lines = (CHECKOUT / "README.md").read_text().splitlines()
    assert len(lines) <= 45
    text = "\n".join(lines)
    assert "make walk" in text and "make test" in text
    for target in re.findall(r"(?:\]\(|src=\")([^)#\"]+)", text):
        assert target.startswith("http") or (CHECKOUT / target).exists(), target


class TestEnvironment:
    """tools/environment.py, with a venv of its own but no installation."""

    def test_stamp_follows_the_content(self, tmp_path):
        module = tool("environment")
        (tmp_path / "tools").mkdir()
        for name in module.INPUTS:
            (tmp_path / name).write_text("a")
        first = module.digest([], tmp_path)
        assert module.digest(["test"], tmp_path) != first
        (tmp_path / "constraints.txt").write_text("b")
        second = module.digest([], tmp_path)
        assert second != first
        os.utime(tmp_path / "constraints.txt")
        assert module.digest([], tmp_path) == second, "times don't count"

    def test_a_proxy_is_suspected_first_and_its_password_is_not_told(self, monkeypatch):
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        assert tool("environment").suspects() == "no network? a full disk?"
        monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@127.0.0.1:9")
        assert "HTTPS_PROXY names, http://127.0.0.1:9?" in tool("environment").suspects()

    @pytest.fixture
    def proxied(self, monkeypatch):
        """Nothing of this process's surroundings says where the network is, but HTTPS_PROXY, which the test sets."""
        for name in [name for name in os.environ if name.lower().endswith("_proxy") or name.startswith("PIP_")]:
            monkeypatch.delenv(name)
        return lambda address: monkeypatch.setenv("HTTPS_PROXY", address)

    def test_a_proxy_that_nobody_serves_is_one_sentence(self, proxied, tmp_path, monkeypatch, capsys):
        module = tool("environment")
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"http://ada:secret@127.0.0.1:{server.getsockname()[1]}"
            proxied(address)
            assert module.dead_proxy() == "", "something listens"
        said = module.dead_proxy()
        assert "HTTPS_PROXY names, http://127.0.0.1:" in said and "Next: " in said and "secret" not in said
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
        monkeypatch.setattr(module, "is_current", lambda *_: False)
        monkeypatch.setattr(module, "works", lambda *_: True)
        assert module.main([]) == 1
        told = capsys.readouterr()
        assert "does not answer" in told.err and not told.out, "pip isn't started"

    @pytest.mark.parametrize("way", ["NO_PROXY", "PIP_NO_INDEX", "PIP_PROXY"])
    def test_a_dead_proxy_that_pip_may_not_need_is_left_to_pip(self, proxied, monkeypatch, way):
        module = tool("environment")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        proxied(f"http://127.0.0.1:{port}")
        assert module.dead_proxy()
        monkeypatch.setenv(way, "1")
        assert module.dead_proxy() == ""

    @pytest.mark.parametrize("address", ["socks5h://h:x", "http://", "::", "http://[::1"])
    def test_an_address_that_is_none_is_left_to_pip(self, proxied, address):
        proxied(address)
        assert tool("environment").dead_proxy() == ""

    def test_pip_is_told_in_lines_for_people(self):
        news = tool("environment").news
        wheel = "numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
        assert news(f"  Downloading {wheel} (16.9 MB)") == "  Downloading numpy 2.4.6 (16.9 MB)"
        assert news(f"  Using cached {wheel} (16.9 MB)") == "  Using cached numpy 2.4.6 (16.9 MB)"
        assert "3 packages" in news("Installing collected packages: a, b, c")
        assert news("Successfully installed a-1 b-2") == "  Installed 2 packages"
        assert news("  Getting requirements to build editable: finished with status 'error'").endswith("'error'")
        assert news("something else") == "  something else"
        for dull in (
            "Requirement already satisfied: a",
            "Collecting a>=1",
            "Obtaining file:///a",
            "  Building editable for a: started",
        ):
            assert news(dull) == ""

    def test_a_half_made_environment_is_not_current(self, tmp_path):
        module = tool("environment")
        venv = tmp_path / ".venv"
        assert not module.is_current(venv, [])
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(tmp_path / "gone")
        module.stamp_of(venv, []).write_text(module.digest([]) + "\n")
        assert not module.works(venv)
        assert not module.is_current(venv, []), "a stamp alone is not enough"

    def test_a_failing_step_is_said_with_what_to_do(self, tmp_path, monkeypatch, capsys):
        module = tool("environment")
        monkeypatch.setattr(module, "CHECKOUT", tmp_path)
        monkeypatch.setattr(module, "is_current", lambda *_: False)

        def fail(*_):
            raise subprocess.CalledProcessError(1, ["python", "-m", "pip", "install"])

        monkeypatch.setattr(module, "make", fail)
        assert module.main([]) == 1
        said = capsys.readouterr().err
        assert "Set-up stopped" in said and "Next:" in said and "Traceback" not in said
