"""Claims: sentences that are tested on frames, with a verdict, the evidence, and a ledger of all of them.

A check is made by a verb over a frame (`never`, `always`, `eventually`, `at_most`, `at_least`, `happens_before`,
`within`, `equal`), or from what `kitlib.rollout` judges (`kept`). `claim` puts it beside its sentence. Where the
recording has a gap that could hide a counterexample the verdict is "unknown", never "holds". The same check made on
clusters of several versions (`each`) gives the ledger a line for each of them; where they differ, the newest version's
verdict is "changed".
"""

from kitlib.claims.checks import (
    Check,
    always,
    at_least,
    at_most,
    each,
    equal,
    eventually,
    happens_before,
    judge,
    never,
    unknown,
    within,
)
from kitlib.claims.ledger import EVIDENCE_ROWS, Claim, Ledger, claim, on_claim, slug, use
from kitlib.claims.promises import kept
from kitlib.claims.render import claim_html, ledger_html
from kitlib.claims.verdicts import MARKS, VERDICTS, version_order

__all__ = [
    "EVIDENCE_ROWS",
    "MARKS",
    "VERDICTS",
    "Check",
    "Claim",
    "Ledger",
    "always",
    "at_least",
    "at_most",
    "claim",
    "claim_html",
    "each",
    "equal",
    "eventually",
    "happens_before",
    "judge",
    "kept",
    "ledger_html",
    "never",
    "on_claim",
    "slug",
    "unknown",
    "use",
    "version_order",
    "within",
]
