"""Versions: known by minor and by exact version; others are refused with the list."""

from __future__ import annotations

import pytest

from kitlib.cluster import RELEASES, choose, release
from kitlib.errors import UsageError
from kitlib.machine import versions


@pytest.mark.parametrize("spelling", ["1.37", "v1.37", "1.37.2", "v1.37.2"])
def test_spellings(spelling: str) -> None:
    assert release(spelling) is RELEASES["1.37"]


@pytest.mark.parametrize("spelling", ["1.36", "v1.36.1", *versions.NODE_IMAGES, *RELEASES])
def test_what_up_offers_can_be_opened(spelling: str) -> None:
    found = versions.offered(spelling)
    assert (found is None) == spelling.removeprefix("v").startswith(("1.34", "1.35", "1.36"))
    chosen = choose("kind" if found is None or found.planes > 1 else "embedded", spelling)
    assert chosen.version == (found.label if found else versions.minor_of(spelling))


def test_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"(?s)1\.99.*Next: use one of: 1\.37.*; with kind also: 1\.36, "):
        release("1.99")


def test_the_module_pins_what_the_table_says() -> None:
    from kitlib.machine.programs import build

    for known in RELEASES.values():
        text = (build.source(known) / "go.mod").read_text()
        assert f"k8s.io/kubernetes v{known.kubernetes}" in text
        if known.past:  # etcd had no module of its own yet: its go.mod names a commit
            assert "go.etcd.io/etcd v0.0.0-20191023171146-3cf2f69b5738" in text
        else:
            assert f"go.etcd.io/etcd/server/v3 v{known.etcd}" in text
            assert f"sigs.k8s.io/kwok v{known.kwok}" in text
