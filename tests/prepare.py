"""Get what the tests need beyond Python where that can be done: on Debian and its kin, as root, through apt.

That is a browser, shells to complete in, Cluster API's controllers, which are built, and where no container engine
answers, the node image that kitlib's own engine runs, and the parts beside Kubernetes that lessons run there. Elsewhere
it only says what to install; the tests that need it are skipped there (never in CI).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from kitlib.cluster.kind import engines
from kitlib.errors import KitlibError
from kitlib.machine import versions
from kitlib.machine.airgap import debian, nodeimage, parts
from kitlib.machine.programs import find

IN_CI = int(os.environ.get("CI", "").lower() in ("1", "true"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WANTED = {"a browser": (BROWSERS, "chromium"), "zsh": (("zsh",), "zsh"), "fish": (("fish",), "fish")}


def missing() -> dict[str, str]:
    """Return what is not on PATH, with Debian's package for it."""
    return {what: package for what, (names, package) in WANTED.items() if not any(map(shutil.which, names))}


def is_debian() -> bool:
    """Say whether apt-get installs programs here."""
    try:
        release = Path("/etc/os-release").read_text()
    except OSError:
        return False
    return "debian" in release.lower() and shutil.which("apt-get") is not None


def main() -> int:
    """Get what is missing, or say what to install; only in CI is it an error that something can't be had."""
    return programs() or controllers() or image()


def controllers() -> int:
    """Build the programs of control planes that have some beside Kubernetes' own: no release has these."""
    for release in versions.RELEASES.values():
        try:
            if release.cluster_api:
                find.programs(release)
        except KitlibError as error:
            print(f"{error}\nThe lesson on Cluster API can't be walked.", file=sys.stderr)
            return IN_CI
    return 0


def image() -> int:
    """Make the node image and the parts, if kind will need them and this machine can make them."""
    if engines.find() or not debian.able()[0]:
        return 0
    try:
        nodeimage.make(progress=True)
        for part in parts.PARTS.values():
            parts.make(part, progress=True)
    except KitlibError as error:
        print(f"{error}\nTests that need containers can't run.", file=sys.stderr)
        return IN_CI
    return 0


def programs() -> int:
    """Install a browser and the shells whose completion is tried, where there are none."""
    lacking = missing()
    if not lacking:
        return 0
    packages = sorted(lacking.values())
    told = f"{', '.join(lacking)} for the tests: apt-get install {' '.join(packages)}"
    if not (is_debian() and hasattr(os, "geteuid") and os.geteuid() == 0):
        print(f"Missing {told} (or your system's way). Tests that need it are skipped.", flush=True)
        return 0
    print(f"Installing {told}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            print("\n".join(done.stdout.splitlines()[-15:]), file=sys.stderr)
            print(f"apt-get {command[0]} failed; tests that need {', '.join(lacking)} can't run.", file=sys.stderr)
            return IN_CI
    return 0


if __name__ == "__main__":
    sys.exit(main())
