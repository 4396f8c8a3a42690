"""Make or mend the project's environments; only Python's own library is used here.

Called by the Makefile as `python3 tools/environment.py [EXTRA…]` for .venv, in the versions of constraints.txt, and as
`python3 tools/environment.py lowest` for one of exactly the lowest versions that pyproject.toml allows, which shows
that its bounds are true. That one is kept in kitlib's cache, for every checkout that asks for the same; it knows
kitlib's name, version and command, but not its code: run it with the checkout in PYTHONPATH. The last line tells where
it is.

Both can be interrupted and repeated: a stamp with the digest of what was asked for is written last, and an environment
that doesn't work is made anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import locale
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import tomllib
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
INPUTS = ("pyproject.toml", "constraints.txt", "tools/environment.py")
LOWEST = "lowest"


def digest(extras: Sequence[str], checkout: Path = CHECKOUT) -> str:
    """Return the digest of everything that decides what the environment holds."""
    total = hashlib.sha256(repr((sorted(extras), str(checkout))).encode())
    for name in INPUTS:
        total.update((checkout / name).read_bytes())
    return total.hexdigest()[:20]


def python_of(venv: Path) -> Path:
    """Return the path of an environment's Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_of(venv: Path, extras: Sequence[str]) -> Path:
    """Return the path of the file that says what was installed."""
    return venv / ("kitlib-" + "-".join(["run", *sorted(extras)]) + ".stamp")


def is_current(venv: Path, extras: Sequence[str], checkout: Path = CHECKOUT) -> bool:
    """Say whether the environment holds what pyproject.toml and constraints.txt ask for, and still works."""
    stamp = stamp_of(venv, extras)
    if not stamp.exists() or stamp.read_text(encoding="utf-8").strip() != digest(extras, checkout):
        return False
    return works(venv, "import kitlib.errors")


def works(venv: Path, code: str = "import pip") -> bool:
    """Say whether the environment's Python runs `code`."""
    python = python_of(venv)
    if not python.exists():
        return False
    return subprocess.run([python, "-c", code], capture_output=True, check=False, cwd=venv).returncode == 0


@contextlib.contextmanager
def alone(lock_file: Path) -> Iterator[None]:
    """Wait until no other set-up works on this environment; the lock ends with its process."""
    if os.name == "nt":
        yield
        return
    import fcntl

    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with open(lock_file, "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this environment is under way: waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(venv: Path, extras: Sequence[str], checkout: Path = CHECKOUT) -> None:
    """Make the environment, or bring it up to date."""
    began = time.monotonic()
    if not works(venv):
        version = ".".join(str(part) for part in sys.version_info[:3])
        print(f"Making {venv.name} with Python {version} ({sys.executable})", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    if dead := dead_proxy():
        raise Stopped(dead)
    wanted = f".[{','.join(sorted(extras))}]" if extras else "."
    print(f"Installing {wanted} in {venv.name}, versions from constraints.txt", flush=True)
    install(venv, checkout, "--constraint", "constraints.txt", "--editable", wanted)
    stamp_of(venv, extras).write_text(digest(extras, checkout) + "\n", encoding="utf-8")
    print(f"Environment ready ({time.monotonic() - began:.0f} s)", flush=True)


def install(venv: Path, checkout: Path, *arguments: str) -> None:
    """Have pip install something, and tell in lines that fit what it does, but for what is there already."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 150
    pip = [str(python_of(venv)), "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
    command = [*pip, "--progress-bar", "off", *arguments]
    with subprocess.Popen(
        command, cwd=checkout, stdout=subprocess.PIPE, encoding=locale.getencoding(), errors="backslashreplace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if told := news(line.rstrip()):
                print(told if len(told) <= columns else told[: columns - 4] + " ...", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


class Stopped(Exception):
    """Why a set-up can't go on, and what to do next."""


def news(line: str) -> str:
    """Return what a line of pip's has to tell a person, or nothing."""
    if line.startswith(("Requirement already satisfied", "Looking in")) or line.endswith((": started", "'done'")):
        return ""
    if match := re.match(r"\s+(Downloading|Using cached) (\S+?)-(\d[^-]*)-\S+( \(.*\))?$", line):
        return f"  {match[1]} {match[2]} {match[3]}{match[4] or ''}"
    if line.startswith(("Collecting ", "Obtaining ", "  Created wheel", "  Stored in")):
        return ""
    if match := re.match(r"Installing collected packages: (.*)", line):
        return f"  Installing {match[1].count(',') + 1} packages; on a slow disk that takes minutes"
    if match := re.match(r"Successfully installed (.*)", line):
        return f"  Installed {len(match[1].split())} packages"
    return "  " + line


def proxy() -> tuple[str, str]:
    """Return the variable that names the proxy of this set-up, and the proxy's address; empty where there is none."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if address := os.environ.get(name):
            return name, address
    return "", ""


def dead_proxy() -> str:
    """Say that nothing listens where the proxy should be; empty where something does, or another way is possible.

    pip would try five times, and tell of each in four lines.
    """
    name, address = proxy()
    own = any(key.startswith("PIP_") and key.endswith(("INDEX_URL", "NO_INDEX", "PROXY")) for key in os.environ)
    if not name or own or os.environ.get("no_proxy") or os.environ.get("NO_PROXY"):
        return ""
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(address if "://" in address else f"http://{address}")
        if not parts.hostname:
            return ""
        try:
            port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 1080)
            socket.create_connection((parts.hostname, port), timeout=10).close()
        except OSError as error:
            shown = re.sub(r"[^/@]*@", "", address)
            return (
                f"the proxy that {name} names, {shown}, does not answer: {error.strerror or error}.\n"
                f"  Next: start it, correct {name}, or unset it where the network needs none; then repeat."
            )
    return ""


def suspects() -> str:
    """Return what may keep pip from its end: first the proxy that it was told to take, without its password."""
    name, address = proxy()
    if name:
        return f"does the proxy answer that {name} names, {re.sub(r'[^/@]*@', '', address)}? a full disk?"
    return "no network? a full disk?"


def tell(text: str) -> None:
    """Write a message to standard error; on a terminal no word is broken at its edge."""
    columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize
    for line in text.splitlines():
        lead = "  " if line.startswith(" ") else ""
        more = "        " if "Next: " in line[:8] else "  "
        wrapper = textwrap.TextWrapper(columns, initial_indent=lead, subsequent_indent=more)
        wrapper.break_long_words = wrapper.break_on_hyphens = False
        shown = wrapper.wrap(line.strip())
        print("\n".join(shown), file=sys.stderr, flush=True)


def lowest(checkout: Path = CHECKOUT) -> list[str]:
    """Return what pyproject.toml needs for a walk and for the tests, each in the lowest version that it allows.

    Raises
    ------
    ValueError
        If a dependency has no lower bound.
    """
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    found = []
    for line in [*project["dependencies"], *extras["test"], *extras["large"]]:
        if line.startswith(f"{project['name']}["):
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+(?:\[[a-z,]+\])?)>=([0-9.]+)(?:,[^;]*)?", line.replace(" ", ""))
        if match is None:
            raise ValueError(f"pyproject.toml: {line!r} has no lower bound: write NAME>=VERSION")
        found.append(f"{match[1]}=={match[2]}")
    return found


def lowest_venv(checkout: Path = CHECKOUT) -> Path:
    """Return where the environment of the lowest versions is, or will be: in kitlib's cache, known by its content."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = [project[name] for name in ("name", "version", "scripts", "dependencies", "optional-dependencies")]
    wanted = repr((lowest(checkout), sys.version_info[:2], os.path.realpath(sys.executable), known))
    key = hashlib.sha256(wanted.encode()).hexdigest()[:16]
    home = Path.home()
    default = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    cache = Path(os.environ.get("KITLIB_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or default) / "kitlib")
    return cache / "environments" / f"lowest-{key}"


def make_lowest(venv: Path, checkout: Path = CHECKOUT) -> None:
    """Make the environment of the lowest versions."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
    print(f"Installing the lowest versions that pyproject.toml allows in {venv.name}", flush=True)
    install(venv, checkout, *lowest(checkout))
    install(venv, checkout, "--no-deps", ".")
    # Its name, version and command stay. Its code doesn't, so that no test can take it for the checkout's.
    subprocess.run([python_of(venv), "-c", FORGET], cwd=venv, check=True)
    (venv / "made").write_text("made\n", encoding="utf-8")
    print(f"Environment ready ({time.monotonic() - began:.0f} s)", flush=True)


FORGET = "import shutil, sysconfig; shutil.rmtree(sysconfig.get_path('purelib') + '/kitlib')"


def main_lowest() -> None:
    """Make the environment of the lowest versions unless it is there, and tell where it is."""
    venv = lowest_venv()
    if not ((venv / "made").exists() and works(venv)):
        with alone(venv.with_suffix(".lock")):
            if not ((venv / "made").exists() and works(venv)):
                make_lowest(venv)
    print(venv)


def main(arguments: Sequence[str]) -> int:
    """Make the environment unless it is current; return an exit code."""
    extras = sorted(set(arguments))
    venv = CHECKOUT / ".venv"
    try:
        if extras == [LOWEST]:
            main_lowest()
            return 0
        if is_current(venv, extras):
            return 0
        with alone(CHECKOUT / "build" / "environment.lock"):
            if not is_current(venv, extras):
                make(venv, extras)
    except Stopped as error:
        tell(f"Set-up stopped: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        words = [str(part) for part in error.cmd if not str(part).startswith("-")]
        tell(
            f"Set-up stopped: `{' '.join(words[1:3])}` ended with {error.returncode}.\n"
            f"  Next: see the lines above ({suspects()}), then run the same make command again;"
            " it goes on where it stopped."
        )
        return 1
    except OSError as error:
        tell(f"Set-up stopped: {error}\n  Next: make room or mend the permissions, then repeat.")
        return 1
    except KeyboardInterrupt:
        tell("\nSet-up interrupted. The same make command goes on where it stopped.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
