"""Run notebooks from end to end on a cluster, as a reader would, and tell what each of their claims came to.

In come notebooks and a cluster; out go executed copies under build/, the rows of their ledgers, and a verdict on each
notebook. The checkout is never changed: copies are executed beside copies of the manifests, by a kernel of this Python.
A walk fails when a cell fails, when a claim gets a verdict that it doesn't expect, when a notebook stops before its
ledger, and when a cell goes wrong without an error (see `output_problems`).
"""

from kitlib.walk.execute import CELL_TIMEOUT, walk
from kitlib.walk.lessons import checkout, publish, reading_order
from kitlib.walk.report import ERROR_TAG, STDERR_TAG, output_problems, summary, verdict_line
from kitlib.walk.results import NotebookResult, WalkResult

__all__ = [
    "CELL_TIMEOUT",
    "ERROR_TAG",
    "STDERR_TAG",
    "NotebookResult",
    "WalkResult",
    "checkout",
    "output_problems",
    "publish",
    "reading_order",
    "summary",
    "verdict_line",
    "walk",
]
