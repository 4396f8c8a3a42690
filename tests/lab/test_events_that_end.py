"""A lab beside another one, on a control plane that keeps Events for seconds: their end is seen as it happens."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import kitlib
from kitlib import cluster as clusters
from kitlib.lab import Lab
from kitlib.machine import versions

pytestmark = [pytest.mark.live, pytest.mark.slow]
VARIANT = "1.37-event-ttl"
EVENT = """
apiVersion: v1
kind: Event
metadata: {name: NAME}
involvedObject: {kind: Namespace, name: NAMESPACE, namespace: NAMESPACE}
reason: Tried
type: Normal
"""


def write(lab: Lab, name: str) -> None:
    lab.apply(EVENT.replace("NAMESPACE", lab.namespace).replace("NAME", name))


def there(lab: Lab) -> set[str]:
    """Return the Events of the test that are there now, as far as recorded."""
    found = {item["metadata"]["name"] for item in lab.recorder.latest("events")}
    return found & {"once", "again"}


def test_an_event_ends_when_its_time_is_over_and_a_write_prolongs_it(
    own_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITLIB_BUILD", str(tmp_path))
    clusters.up("embedded")
    lab = kitlib.open("test", kinds=("events",))
    try:
        labs = lab.beside(VARIANT)
        assert list(labs) == [VARIANT, "1.37"] and labs["1.37"] is lab
        assert (lab.ledger.version, lab.ledger.provider) == ("1.37", "embedded")
        short = labs[VARIANT]
        assert isinstance(short, Lab) and short.cluster.name == f"embedded-{VARIANT}"
        began = time.monotonic()
        for each in (lab, short):
            write(each, "once")
            write(each, "again")
        writes = 0
        while not short.recorder.wait_for(lambda: there(short) == {"again"}, timeout=3) and writes < 20:
            writes += 1
            short.patch("event/again", {"message": f"written {writes} times more"})
        lived = time.monotonic() - began
        assert there(short) == {"again"} and writes > 1
        assert lived >= float(versions.release(VARIANT).event_ttl.removesuffix("s"))
        short.until(lambda: not there(short), "the Event that was written again has ended, too")
        lab.catch_up()
        assert there(lab) == {"once", "again"}, "elsewhere they stay for an hour"
    finally:
        lab.close()
