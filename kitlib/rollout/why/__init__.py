"""What holds something up: one sentence with its cause, the chain that leads there, and the rows that show it.

In: a `World`, what was there at one moment: of a recording (`World.of`) or of a cluster that was looked at. Out: an
`Answer`. It promises that nothing is named as certain which isn't shown by what the component in charge said; that what
was not recorded, or may not be read, lowers what is said, and is told; and that it says so where no known cause fits.

    from kitlib.rollout import why

    print(why.words(why.why(why.World.of(recording), "Deployment", "web", "shop")))

Causes stand in a table (`CAUSES`), one file for each group of them.
"""

from kitlib.rollout.why.answer import EXPLAINED, FINE, UNDER_WAY, UNKNOWN, Answer, asked, parse, why
from kitlib.rollout.why.began import began
from kitlib.rollout.why.cause import CERTAIN, DOCS, LIKELY, UNTOLD, Cause, Finding, Group, Row
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.table import CAUSES, GROUPS
from kitlib.rollout.why.words import words
from kitlib.rollout.why.world import KINDS, World, moments

__all__ = [
    "why",
    "words",
    "World",
    "Answer",
    "Finding",
    "Row",
    "Cause",
    "Group",
    "Object",
    "CAUSES",
    "GROUPS",
    "KINDS",
    "CERTAIN",
    "LIKELY",
    "UNTOLD",
    "DOCS",
    "FINE",
    "EXPLAINED",
    "UNDER_WAY",
    "UNKNOWN",
    "asked",
    "began",
    "moments",
    "parse",
]
