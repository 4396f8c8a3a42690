"""One scenario is judged: every rule, applied."""

from __future__ import annotations

from tests.faults.judge.evidence import Evidence
from tests.faults.judge.losses import judge_stream, late, left_out
from tests.faults.judge.marks import gaps, moments, promised
from tests.faults.judge.needless import needless, unfounded
from tests.faults.judge.requests import hurry, impatience, stubborn
from tests.faults.judge.rows import broken, disorder, duplicates, phantoms
from tests.faults.judge.times import overclaimed, underclaimed, untimely
from tests.faults.judge.verdict import Verdict


def judge(evidence: Evidence) -> Verdict:
    """Judge one scenario."""
    verdict = Verdict()
    found, wrong = gaps(evidence.rows)
    passed_by = moments(evidence.rows)
    said = promised(evidence.rows)
    ends = {stream: max(end, said.get(stream, 0)) for stream, end in evidence.ends.items()}
    # That nothing is promised after the recording's end is no gap in it.
    found = [gap for gap in found if gap.until is not None or gap.after < ends.get(gap.stream, 0)]
    verdict.gaps = len(found)
    verdict.others += wrong
    for stream in evidence.kinds:
        mine = [gap for gap in found if gap.stream == stream]
        excused = left_out(stream, passed_by, evidence.log, evidence.changes)
        judge_stream(evidence, stream, ends.get(stream), mine, excused, verdict)
    verdict.duplicates += duplicates(evidence.rows if evidence.raw is None else evidence.raw)
    honest = [gap for gap in found if gap.until is not None or gap.stream not in evidence.silenced]
    verdict.needless_gaps += needless(honest, evidence.rows, evidence.log)
    verdict.needless_gaps += unfounded(passed_by, evidence.log)
    if evidence.gapless:
        verdict.needless_gaps += [f"{gap}, where it could have kept its place" for gap in found]
    if evidence.killed_ns is None:
        left_open = [gap for gap in found if gap.until is None and gap.stream not in evidence.silenced]
        verdict.others += [f"{gap} was left open" for gap in left_open]
    verdict.unreported += overclaimed(evidence, found, passed_by, ends)
    verdict.others += underclaimed(evidence)
    verdict.others += untimely(evidence.rows, evidence.changes, evidence.log)
    verdict.others += phantoms(evidence.rows, evidence.changes, evidence.kinds, found)
    verdict.others += disorder(evidence.rows)
    verdict.others += broken(evidence.rows)
    verdict.others += impatience(evidence.log)
    verdict.others += stubborn(evidence.log)
    verdict.others += hurry(evidence.log)
    verdict.others += [f"the recorder wrote: {seen.value}" for seen in evidence.log if seen.what == "refused"]
    if evidence.killed_ns is not None:
        verdict.unreported += late(evidence.rows, evidence.log, evidence.killed_ns - evidence.interval_ns)
        if evidence.complete is not False:
            verdict.others.append("the recorder was killed, and the recording doesn't say that it is incomplete")
    elif evidence.complete is False:
        verdict.others.append("the recording was closed, and says that it is incomplete")
    return verdict
