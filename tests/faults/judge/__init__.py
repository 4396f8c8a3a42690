"""The judge: compares a recording with the witness, and says what is missing, and whether the recording says so.

Everything here is a function of what was recorded, witnessed and seen to pass; nothing asks a cluster. The tests of
the judge plant every kind of wrong recording.
"""

from tests.faults.judge.evidence import Evidence
from tests.faults.judge.judging import judge
from tests.faults.judge.verdict import Verdict

__all__ = ["Evidence", "Verdict", "judge"]
