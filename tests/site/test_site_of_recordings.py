"""What a page and the ledger say of claims that were tested on a recording."""

from __future__ import annotations

import pytest

from kitlib.site import ledger

ROW = {"notebook": "dns", "version": "1.37", "release": "v1.37.2", "provider": "kind", "date": "2026-11-29"}
CLAIM = {"id": "dns/a", "text": "A", "verdict": "holds", "expected": "holds", "source": "us"}


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (True, ["recording, kind, Kubernetes 1.37.2, 2026-11-29"]),
        (False, ["Kubernetes v1.37.2", "kind cluster", "2026-11-29"]),
    ],
)
def test_it_is_said_on_what_a_lesson_was_walked(recorded, said):
    assert ledger.asked_on({**ROW, "recorded": recorded, "claims": [CLAIM]}) == said


@pytest.mark.parametrize("recorded", [True, False])
def test_each_claim_has_it_too(recorded):
    (claim,) = ledger.gather([{**ROW, "recorded": recorded, "claims": [CLAIM]}])
    assert claim["recorded"] is recorded
    assert ("recording · kind · 2026-11-29" in ledger._answer(claim)) is recorded
