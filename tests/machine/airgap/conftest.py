"""The probe, built once, and started as a process on 127.0.0.1."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kitlib.errors import BuildError
from kitlib.machine.airgap import probe
from tests.machine.airgap.acting import (
    Probe,
)


@pytest.fixture(scope="session")
def built() -> Path:
    try:
        return probe.binary()
    except BuildError as error:
        if error.step == "find Go":
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="session")
def program(built: Path) -> Iterator[Path]:
    """The program where every user may run it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy2(built, folder))


@pytest.fixture
def start(program: Path) -> Iterator[Callable[..., Probe]]:
    """Start probes that listen; they end with the test."""
    with contextlib.ExitStack() as stack:

        def start(arguments: tuple[str, ...] = (), **settings: str) -> Probe:
            named = {name.replace("__", "."): value for name, value in settings.items()}
            acting = stack.enter_context(Probe(program, named, *arguments))
            return acting if arguments else acting.ready()

        yield start
