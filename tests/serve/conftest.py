"""What tests of a served recording share: a server of one, and a kubectl that looks at it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kitlib.recording import Recording
from kitlib.serve import Server, running
from tests.api.conftest import kubectl as kubectl

Ask = Callable[..., subprocess.CompletedProcess[str]]


class Asked:
    """A served recording, and kubectl asking it."""

    def __init__(self, server: Server, program: str, home: Path) -> None:
        self.server, self._kubectl, self._home = server, program, home
        kept = {key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")}
        self.environ = {**kept, "KUBECONFIG": str(home / "config"), "HOME": str(home), "TZ": "UTC"}

    def __call__(self, *words: str, fails: bool = False, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, and see that it gets an answer, or that it doesn't."""
        done = subprocess.run(
            [self._kubectl, *words],
            env=self.environ,
            cwd=self._home,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode != 0) is fails, (
            f"{words}: {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        return done

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start a kubectl that goes on."""
        return subprocess.Popen(
            [self._kubectl, *words],
            env=self.environ,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def serve(kubectl: str, tmp_path: Path) -> Iterator[Callable[..., Asked]]:
    """Return what serves a recording at a second, or plays it from there, and has kubectl ask."""
    with ExitStack() as stack:

        def serve(recording: Recording, at: float | None = None, speed: float = 0.0) -> Asked:
            server = Server(recording, speed=speed)
            if at is not None:
                server.show(server.history.begin_ns + int(at * 1e9))
            stack.enter_context(running(server, tmp_path / "config"))
            return Asked(server, kubectl, tmp_path)

        yield serve
