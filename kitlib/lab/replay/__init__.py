"""Lessons on their recordings: the same words, cells, figures and claims, and no cluster.

In: a recording that a lab made. Out: a lab that stands on it. What a lesson asked and did is answered from there; where
the recording doesn't say, the statement is left out, with the reason, and a claim that stands on it is unknown.
"""

from kitlib.lab.replay.guard import Guard
from kitlib.lab.replay.lab import Recorded, Replayed, cluster_of, date_of
from kitlib.lab.replay.missing import Missing

__all__ = ["Guard", "Missing", "Recorded", "Replayed", "cluster_of", "date_of"]
