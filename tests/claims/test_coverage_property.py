"""Whatever a frame goes through, a gap in what it was made from never gives "holds" or "fails"."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from kitlib.claims import always, at_most, equal, eventually, judge, never
from kitlib.frames import Frames
from kitlib.frames.origin import forget
from kitlib.recording import Recording
from tests.frames.odd import good

SECOND = 1_000_000_000
BEGIN = 100 * SECOND


def recorded(gap: str = "Pod") -> Recording:
    """Two steps of three Pods and an Event each; in the second one there is a gap of one kind."""
    recording = Recording()
    for number in range(6):
        at = BEGIN + number * 3 * SECOND
        for kind in ("Pod", "Event"):
            raw = json.dumps(good(kind, f"{kind.lower()}-{number}", 10 + number)).encode()
            times = (1_772_359_200 * SECOND + at, at)
            recording.add(raw, kind=kind, api_version="v1", type="ADDED", origin="watch", stream=kind, at=times)
    what = {"after_ns": BEGIN + 10 * SECOND, "until_ns": BEGIN + 11 * SECOND, "after_rv": "12", "until_rv": "20"}
    recording.mark("GAP", gap, gap, kind=gap, reason="410", **what)
    return recording


def steps(recording: Recording) -> tuple[Frames, Frames]:
    return Frames(recording, BEGIN, BEGIN + 8 * SECOND), Frames(recording, BEGIN + 9 * SECOND, BEGIN + 16 * SECOND)


Change = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def first_column(frame: pd.DataFrame) -> str:
    return str(next(iter(frame.columns)))


def merged(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    one, two = frame.reset_index(drop=True), other.reset_index(drop=True)
    return one.merge(two, left_index=True, right_index=True, suffixes=("", "_other"))


def pivoted(frame: pd.DataFrame) -> pd.DataFrame:
    numbered = frame.assign(k="k", n=range(len(frame)))
    return numbered.pivot(index="n", columns="k", values=first_column(frame)).reset_index()


CHANGES: dict[str, Change] = {
    "head": lambda frame, _: frame.head(2),
    "assign": lambda frame, _: frame.assign(more=1),
    "mask": lambda frame, _: frame[[True] * len(frame)],
    "query": lambda frame, _: frame.query("index >= 0"),
    "sort_values": lambda frame, _: frame.sort_values(first_column(frame)),
    "drop_duplicates": lambda frame, _: frame.drop_duplicates(),
    "reset_index": lambda frame, _: frame.reset_index(drop=True),
    "concat behind": lambda frame, clean: pd.concat([frame, clean]),
    "concat before": lambda frame, clean: pd.concat([clean, frame], ignore_index=True),
    "merge": lambda frame, clean: merged(frame, clean[["phase"]]),
    "merged into": lambda frame, clean: merged(clean, frame),
    "join": lambda frame, clean: frame.reset_index(drop=True).join(clean[["phase"]], rsuffix="_joined"),
    "to_dict": lambda frame, _: pd.DataFrame(frame.to_dict("records")),
    "columns": lambda frame, _: pd.DataFrame({name: frame[name].tolist() for name in frame}),
    "groupby size": lambda frame, _: frame.groupby(first_column(frame), sort=False).size().reset_index(name="n"),
    "groupby agg": lambda frame, _: frame.groupby(first_column(frame), sort=False, as_index=False).agg("first"),
    "apply": lambda frame, _: frame.apply(lambda column: column),
    "melt": lambda frame, _: frame.astype(str).melt(),
    "pivot": lambda frame, _: pivoted(frame),
    "explode": lambda frame, _: frame.assign(some=[[1, 2]] * len(frame)).explode("some"),
    "transpose": lambda frame, _: frame.astype(str).T,
    "pickle": lambda frame, _: pickle.loads(pickle.dumps(frame)),
    "copy": lambda frame, _: frame.copy(),
    "describe": lambda frame, _: frame.astype(str).describe(),
}
CHECKS = {
    "never": lambda frame: never(frame, lambda rows: pd.Series(False, index=rows.index)),
    "always": lambda frame: always(frame, lambda rows: pd.Series(True, index=rows.index)),
    "always not": lambda frame: always(frame.assign(made=1), "made == 2"),
    "eventually": lambda frame: eventually(frame, lambda rows: pd.Series(False, index=rows.index)),
    "eventually so": lambda frame: eventually(frame.assign(made=1), "made == 1"),
    "at_most": lambda frame: at_most(frame.assign(made=1), "made", 3),
    "equal": lambda frame: equal(len(frame), len(frame), frame),
    "a plain value": lambda frame: equal(len(frame), len(frame) + 1),
}


@settings(max_examples=100, deadline=None)
@given(chain=st.lists(st.sampled_from(list(CHANGES)), max_size=4), check=st.sampled_from(list(CHECKS)))
def test_a_gap_is_never_lost(chain: list[str], check: str) -> None:
    forget()
    first, second = steps(recorded())
    frame = second.pods[["seq", "uid", "name", "phase", "restartCount"]]
    for name in chain:
        try:
            frame = CHANGES[name](frame, first.pods)
        except (ValueError, KeyError, TypeError):  # pandas itself refuses it after what was done before
            reject()
        frame = frame.loc[:, ~frame.columns.duplicated()]
    assert judge(CHECKS[check](frame))[0] == "unknown", (chain, check)


def test_what_was_seen_was_seen_in_rows_as_they_were_recorded() -> None:
    second = steps(recorded())[1]
    assert judge(eventually(second.pods, "phase == 'Running'"))[0] == "holds"
    assert judge(never(second.pods.sort_values("name"), "phase == 'Running'"))[0] == "fails"
    counted = second.pods.groupby("phase").size().reset_index(name="n")
    assert judge(eventually(counted, "n == 3"))[0] == "unknown", "without the gap it could be four"
    whole = lambda rows: rows.groupby("phase")["uid"].transform("size") == 3  # noqa: E731
    assert judge(eventually(second.pods, whole))[0] == "unknown", "no row satisfies that by itself"


@pytest.mark.parametrize("chain", [[], ["assign", "sort_values"], ["query", "head"]])
def test_a_gap_of_another_kind_spoils_nothing(chain: list[str]) -> None:
    second = steps(recorded("Event"))[1]
    assert judge(eventually(second.events, "reason == 'Killing'"))[0] == "unknown"
    frame = second.pods
    for name in chain:
        frame = CHANGES[name](frame, frame)
    assert judge(never(frame, "phase == 'Failed'"))[0] == "holds"
    assert judge(equal(len(frame), len(frame), frame))[0] == "holds"
    assert judge(equal(len(frame), 3))[0] == "unknown", "a number doesn't say which frame it was taken from"
    assert judge(equal(len(frame), len(frame), frames=frame))[0] == "holds"
    assert judge(equal("it is refused", "it is refused", direct=True))[0] == "holds"


def test_without_a_gap_nothing_changes() -> None:
    first, second = steps(recorded())
    frame = pd.DataFrame(first.pods.to_dict("records"))
    assert judge(never(frame, "phase == 'Failed'"))[0] == "holds"
    assert judge(equal(len(first.pods), 3))[0] == "holds"
    assert len(second.workloads) == 0 and judge(equal(1, 1))[0] == "holds", "the gap was of another kind"
