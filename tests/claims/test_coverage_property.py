"""Whatever a frame goes through, a gap in what it was made from never gives "holds" or "fails"."""

from __future__ import annotations

import functools
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from kitlib.claims import always, at_most, equal, eventually, happens_before, judge, never, within
from kitlib.frames import Frames, latest, load
from kitlib.frames.origin import forget, note
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


def put(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame["seq"] = other["seq"]
    return frame


def put_by_name(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    setattr(frame, "phase", other["phase"])  # noqa: B010
    return frame


def put_by_loc(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame.loc[:, "seq"] = other["seq"]
    return frame


def inserted(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = frame.drop(columns="seq")
    frame.insert(0, "seq", other["seq"].tolist())
    return frame


def updated(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    frame.update(other[["phase"]])
    return frame


def asked_for(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    theirs = other["uid"]  # noqa: F841
    return frame.query("uid not in @theirs")


def mapped(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(seq=frame["uid"].map(other.drop_duplicates("uid").set_index("uid")["seq"]).fillna(0))


def evaluated(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    found = frame.eval("seq = seq + @other.seq")
    assert isinstance(found, pd.DataFrame)
    return found


MIXES: dict[str, Change] = {
    "setitem": put,
    "attribute": put_by_name,
    "loc": put_by_loc,
    "insert": inserted,
    "update": updated,
    "assign": lambda frame, other: frame.assign(seq=other["seq"]),
    "assign a function": lambda frame, other: frame.assign(seq=lambda _: other["seq"]),
    "assign an array": lambda frame, other: frame.assign(seq=other["seq"].to_numpy()),
    "assign a list": lambda frame, other: frame.assign(seq=other["seq"].tolist()),
    "add": lambda frame, other: frame.assign(seq=frame["seq"] + other["seq"]),
    "radd": lambda frame, other: frame.assign(seq=other["seq"] + frame["seq"]),
    "compare": lambda frame, other: frame[frame["seq"] != other["seq"]],
    "ufunc": lambda frame, other: frame.assign(seq=np.maximum(frame["seq"], other["seq"])),
    "where": lambda frame, other: frame.assign(phase=frame["phase"].where(frame["seq"] < 0, other["phase"])),
    "fillna": lambda frame, other: frame.assign(seq=frame["seq"].shift().fillna(other["seq"])),
    "combine_first": lambda frame, other: frame.combine_first(other[["seq", "phase"]]),
    "map": mapped,
    "isin": lambda frame, other: frame[~frame["uid"].isin(other["uid"])],
    "mask of an array": lambda frame, other: frame[(other["seq"] >= 0).to_numpy()],
    "loc of a mask": lambda frame, other: frame.loc[~frame["uid"].isin(other["uid"]), ["seq", "uid", "phase"]],
    "query": asked_for,
    "eval": evaluated,
    "groupby": lambda frame, other: frame.groupby(other["phase"])["seq"].max().reset_index(),
    "concat": lambda frame, other: pd.concat([frame, other], ignore_index=True),
    "concat columns": lambda frame, other: pd.concat([frame, other.add_suffix("_b")], axis=1),
    "merge": lambda frame, other: frame.merge(other, on="phase", suffixes=("", "_b")),
    "pd.merge": lambda frame, other: pd.merge(frame, other, on="phase", suffixes=("", "_b")),
    "merge_asof": lambda frame, other: pd.merge_asof(frame, other, on="seq", suffixes=("", "_b")),
    "join": lambda frame, other: frame.join(other[["uid"]].add_suffix("_b")),
    "pipe": lambda frame, other: frame.pipe(put, other),
    "sub of frames": lambda frame, other: frame[["seq"]] - other[["seq"]],
}


def three(recording: Recording) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return three columns of the Pods of both steps; the second one's gap, if any, is known as handed out."""
    first, second = steps(recording)
    names = ["seq", "uid", "phase"]
    return first.pods[names], second.pods[names].tail(3).reset_index(drop=True)


PODS = functools.cache(lambda gap: three(recorded(gap)))
AFTER: dict[str, Change] = {
    name: CHANGES[name]
    for name in ("head", "assign", "query", "sort_values", "reset_index", "concat behind", "pickle", "copy", "melt")
} | {
    "latest": lambda frame, _: frame.groupby("phase", sort=False).tail(1) if "phase" in frame else frame,
    "column": lambda frame, _: frame[[first_column(frame)]],
}


@pytest.mark.parametrize("mix", list(MIXES))
@settings(max_examples=5, deadline=None)
@given(
    gap_first=st.booleans(),
    chain=st.lists(st.sampled_from(list(AFTER)), max_size=2),
    check=st.sampled_from([name for name in CHECKS if name != "a plain value"]),
)
def test_what_is_mixed_in_brings_its_gaps(mix: str, gap_first: bool, chain: list[str], check: str) -> None:
    clean, gappy = PODS("Pod")
    forget()
    note("pods", gappy.attrs["gaps"])
    frame = MIXES[mix](gappy, clean) if gap_first else MIXES[mix](clean, gappy)
    for name in chain:
        try:
            frame = AFTER[name](frame, clean)
        except (ValueError, KeyError, TypeError):
            reject()
    frame = frame.loc[:, ~frame.columns.duplicated()]
    if "made" in frame or not len(frame):
        reject()
    assert judge(CHECKS[check](frame))[0] == "unknown", (mix, gap_first, chain, check)


UNTOLD = ("assign an array", "assign a list", "mask of an array", "insert", "pd.merge", "merge_asof")
"""What brings arrays or lists, that don't say where they come from."""


@pytest.mark.parametrize("mix", [name for name in MIXES if name not in UNTOLD])
def test_a_mix_of_frames_without_a_gap_is_judged(mix: str) -> None:
    """Also where another frame has one, of another kind: nothing becomes unknown that needn't be."""
    one, two = PODS("Event")
    events = {"kind": "Event", "after_ns": BEGIN, "until_ns": BEGIN + SECOND, "reason": "410"}
    note("events", [events])
    assert judge(equal(1, 1))[0] == "unknown", "a frame with a gap was handed out"
    frame = MIXES[mix](two, one.assign(uid="x"))
    assert judge(always(frame.assign(made=1), "made == 1"))[0] == "holds"


def test_a_condition_brings_the_gaps_of_what_it_looks_at() -> None:
    first, second = steps(recorded())
    mine, theirs = first.pods, second.pods
    assert judge(never(mine, "phase == 'Failed'"))[0] == "holds"
    assert judge(never(mine, lambda rows: rows["uid"].isin(theirs["uid"])))[0] == "unknown"
    assert judge(always(mine, lambda rows: ~rows["uid"].isin(theirs["uid"])))[0] == "unknown"
    assert judge(eventually(mine, lambda rows: ~rows["uid"].isin(theirs["uid"])))[0] == "unknown"
    assert judge(happens_before(mine, theirs))[0] == "unknown"
    assert judge(within(60, mine, theirs))[0] == "unknown"


def test_groups_remember_where_they_come_from() -> None:
    second = steps(recorded("Event"))[1]
    assert len(second.events), "a frame with a gap was handed out"
    pods = second.pods
    for frame in (
        latest(pods),
        pods.groupby("phase").size().reset_index(name="n"),
        pods[pods.groupby("phase")["uid"].transform("size") == 6],
        pods.groupby("phase", as_index=False).agg(n=("uid", "nunique")),
        pods.groupby("phase").apply(lambda rows: rows.head(1)),
    ):
        assert judge(always(frame.assign(made=1), "made == 1"))[0] == "holds"


def streamed(*kinds: str) -> Frames:
    """Pods and Events, of which the recording says that it has streams."""
    recording = recorded("Event")
    for kind in kinds:
        recording.mark("STREAM", kind, kind, kind=kind, api_version="v1")
        recording.mark("LISTED", kind, kind, kind=kind, known_ns=BEGIN)
        recording.mark("END", kind, kind, kind=kind, known_ns=BEGIN + 60 * SECOND, end_ns=BEGIN + 60 * SECOND)
    return Frames(recording, BEGIN, BEGIN + 8 * SECOND)


def test_a_kind_that_nobody_recorded_is_unknown_and_the_reason_says_so() -> None:
    frames = streamed("Pod")
    conditions = frames.conditions
    assert judge(eventually(conditions, "kind == 'Pod'"))[0] == "holds"
    assert judge(eventually(conditions, "kind == 'Pod' and status == 'Odd'"))[0] == "fails"
    asked = {
        "in a condition": eventually(conditions, "kind == 'Job' and condition == 'Complete'"),
        "in a query": eventually(conditions.query("kind == 'Job'"), "condition == 'Complete'"),
        "in a mask": eventually(conditions[conditions["kind"] == "Job"], "condition == 'Complete'"),
        "in loc": equal(0, 0, conditions.loc[conditions["kind"] == "Job"]),
        "by a function": eventually(conditions, lambda rows: rows["kind"] == "Job"),
    }
    for where, check in asked.items():
        verdict, why = judge(check)
        assert (verdict, "Job is not recorded here" in why) == ("unknown", True), where
    verdict, why = judge(eventually(frames.workloads, "readyReplicas == 3"))
    assert verdict == "unknown" and "are not recorded here" in why


@pytest.mark.parametrize("how", ["parquet", "load", "pickle", "copy"])
@pytest.mark.parametrize("gap", ["Pod", "Event"])
def test_a_frame_that_was_saved_still_says_what_it_covers(how: str, gap: str, tmp_path: Path) -> None:
    second = steps(recorded(gap))[1]
    pods = second.pods
    if how == "parquet":
        pods.to_parquet(tmp_path / "pods.parquet")
        pods = pd.read_parquet(tmp_path / "pods.parquet")
    elif how == "load":
        second.save(tmp_path, "pods")
        pods = load(tmp_path, "pods")
    else:
        pods = pickle.loads(pickle.dumps(pods)) if how == "pickle" else pods.copy()
    forget()
    wanted = "unknown" if gap == "Pod" else "holds"
    assert judge(never(pods, "phase == 'Failed'"))[0] == wanted
    assert judge(equal(len(pods), 6, pods.sort_values("seq")))[0] == wanted
    seen = "unknown" if how in ("parquet", "load") and gap == "Pod" else "holds"  # rows that a file can't vouch for
    assert judge(eventually(pods, "phase == 'Running'"))[0] == seen


def test_what_is_mixed_with_a_loaded_frame_brings_its_gaps(tmp_path: Path) -> None:
    first, second = steps(recorded())
    first.save(tmp_path / "first", "pods")
    second.save(tmp_path / "second", "pods")
    forget()
    mine, theirs = load(tmp_path / "first", "pods"), load(tmp_path / "second", "pods")
    assert judge(never(mine, "phase == 'Failed'"))[0] == "holds"
    assert judge(never(mine.assign(phase=theirs["phase"]), "phase == 'Failed'"))[0] == "unknown"
    plain = pd.read_parquet(tmp_path / "first" / "pods")
    assert judge(never(plain, "phase == 'Failed'"))[0] == "holds"
    plain["more"] = theirs["phase"]
    assert judge(never(plain, "more == 'Failed'"))[0] == "unknown", "a plain frame doesn't see what is put in"


def test_values_of_unknown_origin_stay_so_in_a_file(tmp_path: Path) -> None:
    first, second = steps(recorded())
    odd = first.pods.assign(phase=second.pods["phase"].tolist()[:3])
    odd.to_parquet(tmp_path / "odd.parquet")
    forget()
    verdict, why = judge(never(pd.read_parquet(tmp_path / "odd.parquet"), "phase == 'Failed'"))
    assert verdict == "unknown" and "saved" in why


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_of_a_recording_that_was_not_read_here_say_so(ending: str, tmp_path: Path) -> None:
    """In a process of its own: a file that lost the attrs, and no recording that its rows could be of."""
    pods = steps(recorded())[0].pods
    bare = pd.DataFrame(pods.to_dict("records"))
    file = tmp_path / f"pods.{ending}"
    bare.to_csv(file, index=False) if ending == "csv" else bare.to_parquet(file)
    said = (
        "import pandas as pd; from kitlib.claims import judge, never; "
        f"print(judge(never(pd.read_{ending}({str(file)!r}), \"phase == 'Failed'\")))"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("('unknown'") and "wasn't read here" in done.stdout
    assert judge(never(bare, "phase == 'Failed'"))[0] == "holds", "here the recording was read"


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
