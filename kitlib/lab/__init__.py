"""What a notebook says: `%load_ext kitlib`, then `lab = kitlib.open("deployment")`.

In: a cluster, and what a reader says to it. Out: changes made there, each shown with the kubectl command that does the
same; a recording of all that happened, in steps; frames of it.

Promised: a lab has a namespace of its own, which is gone when it ends, also after a crash; nodes that it took are given
back, and what it patched elsewhere is put back; nothing is written to a cluster that kitlib didn't make, unless it is
named explicitly.
"""

from kitlib.lab.display import Changes, Refusal
from kitlib.lab.exercise import Exercise
from kitlib.lab.extension import kubectl, load_ipython_extension
from kitlib.lab.lab import Lab
from kitlib.lab.session import labs, open
from kitlib.lab.step import Step

__all__ = ["Changes", "Exercise", "Lab", "Refusal", "Step", "kubectl", "labs", "load_ipython_extension", "open"]
