"""Each test begins as a kernel does: no frame was handed out yet."""

from __future__ import annotations

import pytest

from kitlib.frames.origin import forget


@pytest.fixture(autouse=True)
def nothing_handed_out() -> None:
    forget()
