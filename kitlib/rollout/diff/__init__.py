"""What differs between two recordings of one exercise, beyond noise.

In: recordings, one or several of each side. Out: a `Difference`: what was given otherwise (the cluster, objects, their
settings), then what came of it (verdicts, numbers, Events, order, durations). It promises that generated names, uids,
addresses and the nodes that Pods came to are no difference; that several recordings of a side tell how much it varies;
and that what may be noise is told apart and is no difference.

    from kitlib.rollout import diff

    diff(Recording.open("monday.rec"), Recording.open("tuesday.rec")).table
"""

from kitlib.rollout.diff.answer import FINDINGS, Difference, Finding
from kitlib.rollout.diff.compare import diff
from kitlib.rollout.diff.rules import counts_differ, durations_differ, occurrences_differ

__all__ = ["FINDINGS", "Difference", "Finding", "counts_differ", "diff", "durations_differ", "occurrences_differ"]
