"""Claims: sentences that are tested on frames, with a verdict, the evidence, and a ledger of all of them.

A check is made by a verb over a frame (`never`, `always`, `eventually`, `at_most`, `at_least`, `happens_before`,
`within`, `equal`). `claim` puts it beside its sentence. Where the recording has a gap that could hide a counterexample
the verdict is "unknown", never "holds". The same check made on clusters of several versions (`each`) gives the ledger a
line for each of them; where they differ, the newest version's verdict is "changed".
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib.errors import ClaimError, KitlibError, UsageError

VERDICTS = ("holds", "fails", "changed", "unknown")
MARKS = {"holds": "✓", "fails": "✗", "changed": "↻", "unknown": "?"}
EVIDENCE_ROWS = 20
Mask = str | Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Check:
    """What a verb found.

    Parameters
    ----------
    holds : bool or None
        None if it can't be told.
    why : str
        In words, with the numbers.
    evidence : DataFrame
        The rows that decide it.
    span : tuple of int, optional
        (begin, end) on the monotonic clock that was looked at, ns.
    fragile : bool
        Whether a row that was not recorded could turn the answer.
    gaps : list of dict
        The gaps of the frames that were looked at.
    absent : bool
        Whether there was nothing to look at, because this machine can't have that cluster.
    """

    holds: bool | None
    why: str
    evidence: pd.DataFrame
    span: tuple[int, int] | None = None
    fragile: bool = True
    gaps: Sequence[dict[str, Any]] = ()
    absent: bool = False

    def __and__(self, other: Check) -> Check:
        """Both must hold."""
        failed = next((check for check in (self, other) if check.holds is False), None)
        holds = False if failed else (None if None in (self.holds, other.holds) else True)
        spans = [check.span for check in (self, other) if check.span]
        return Check(
            holds,
            failed.why if failed else f"{self.why}; {other.why}",
            failed.evidence if failed else pd.concat([self.evidence, other.evidence], ignore_index=True),
            (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None,
            failed.fragile if failed else self.fragile or other.fragile,
            [*self.gaps, *other.gaps],
            self.absent or other.absent,
        )


def _select(frame: pd.DataFrame, mask: Mask) -> pd.Series:
    try:
        found = frame.eval(mask) if isinstance(mask, str) else mask(frame)
    except Exception as error:
        raise UsageError(
            f"can't evaluate {mask!r}: {error}",
            step="claim",
            next="its columns are: " + ", ".join(map(str, frame.columns)),
        ) from error
    return pd.Series(found, index=frame.index).fillna(False).astype(bool)


def _span(*frames: pd.DataFrame) -> tuple[int, int] | None:
    bounds = [frame.attrs["window"] for frame in frames if "window" in frame.attrs]
    bounds += [
        (int(frame["monotonic_ns"].min()), int(frame["monotonic_ns"].max()))
        for frame in frames
        if "window" not in frame.attrs and "monotonic_ns" in frame and len(frame)
    ]
    return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else None


def _about(*frames: pd.DataFrame) -> dict[str, Any]:
    return {"span": _span(*frames), "gaps": [gap for frame in frames for gap in frame.attrs.get("gaps", ())]}


def _words(mask: Mask, said: str | None) -> str:
    return said or (mask if isinstance(mask, str) else "the condition")


def never(frame: pd.DataFrame, mask: Mask, said: str | None = None) -> Check:
    """Check that no row satisfies the condition; a frame without rows can't tell.

    Parameters
    ----------
    frame : DataFrame
        Any frame.
    mask : str or callable
        A `DataFrame.eval` expression, or a function of the frame that gives a boolean Series.
    said : str, optional
        The condition in words.
    """
    found = frame[_select(frame, mask)]
    words = _words(mask, said)
    if len(found):
        return Check(False, f"{len(found)} of {len(frame)} rows: {words}", found, fragile=False, **_about(frame))
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    return Check(True, f"none of {len(frame)} rows: {words}", frame, **_about(frame))


def always(frame: pd.DataFrame, mask: Mask, said: str | None = None) -> Check:
    """Check that every row satisfies the condition; a frame without rows can't tell. Parameters as of `never`."""
    hits = _select(frame, mask)
    words = _words(mask, said)
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    if hits.all():
        return Check(True, f"all {len(frame)} rows: {words}", frame, **_about(frame))
    found = frame[~hits]
    return Check(False, f"{len(found)} of {len(frame)} rows not: {words}", found, fragile=False, **_about(frame))


def eventually(frame: pd.DataFrame, mask: Mask, said: str | None = None) -> Check:
    """Check that at least one row satisfies the condition. Parameters as of `never`."""
    found = frame[_select(frame, mask)]
    words = _words(mask, said)
    if len(found):
        return Check(True, f"{len(found)} of {len(frame)} rows: {words}", found, fragile=False, **_about(frame))
    return Check(False, f"none of {len(frame)} rows: {words}", frame.tail(5), **_about(frame))


def at_most(frame: pd.DataFrame, column: str, limit: int | str) -> Check:
    """Check that a column is never above the limit, which is a number or another column."""
    return _bounded(frame, column, limit, above=True)


def at_least(frame: pd.DataFrame, column: str, limit: int | str) -> Check:
    """Check that a column is never below the limit, which is a number or another column."""
    return _bounded(frame, column, limit, above=False)


def _bounded(frame: pd.DataFrame, column: str, limit: int | str, above: bool) -> Check:
    if column not in frame or (isinstance(limit, str) and limit not in frame):
        raise UsageError(
            f"no column {column if column not in frame else limit!r}",
            step="claim",
            next="its columns are: " + ", ".join(map(str, frame.columns)),
        )
    if not len(frame):
        return Check(None, "nothing was recorded", frame, **_about(frame))
    bound = frame[limit] if isinstance(limit, str) else pd.Series(limit, index=frame.index)
    slack = (bound - frame[column]) if above else (frame[column] - bound)
    tightest = frame.loc[[slack.idxmin()]]
    low, high = frame[column].min(), frame[column].max()
    name = f"{limit} ({', '.join(map(str, sorted(set(bound))))})" if isinstance(limit, str) else str(limit)
    relation = "above" if above else "below"
    if (slack < 0).any():
        found = frame[slack < 0]
        return Check(
            False, f"{column} is {relation} {name} in {len(found)} of {len(frame)} rows", found, None, False,
            frame.attrs.get("gaps", ()),
        )  # fmt: skip
    why = f"{column} is {low}…{high}, never {relation} {name}, at {len(frame)} resourceVersions"
    return Check(True, why, tightest, **_about(frame))


def happens_before(first: pd.DataFrame, then: pd.DataFrame, by: str = "resourceVersion") -> Check:
    """Check that the last row of `first` comes before the first row of `then`, in the server's order.

    Parameters
    ----------
    first, then : DataFrame
        Rows, already selected. Both must have some.
    by : str
        The column that orders them; a tie is not an order.
    """
    about = _about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **about)
    last, begin = first.sort_values(by).iloc[[-1]], then.sort_values(by).iloc[[0]]
    holds = bool(last[by].iloc[0] < begin[by].iloc[0])
    why = f"{by} {last[by].iloc[0]} {'<' if holds else 'is not before'} {begin[by].iloc[0]}"
    return Check(holds, why, pd.concat([last, begin], ignore_index=True), **about)


def within(seconds: float, first: pd.DataFrame, then: pd.DataFrame) -> Check:
    """Check that the first row of `then` is received at most so many seconds after the first row of `first`."""
    about = _about(first, then)
    if not len(first) or not len(then):
        which = "first" if not len(first) else "second"
        return Check(False, f"the {which} never happened", pd.concat([first, then]), **about)
    start, end = first.iloc[[0]], then.iloc[[0]]
    took = (int(end["monotonic_ns"].iloc[0]) - int(start["monotonic_ns"].iloc[0])) / 1e9
    evidence = pd.concat([start, end], ignore_index=True)
    return Check(0 <= took <= seconds, f"{took:.2f} s, of {seconds:g} s", evidence, **about)


def equal(found: Any, wanted: Any, evidence: pd.DataFrame | None = None, what: str = "found") -> Check:
    """Check that two values are the same; the rows they were taken from are the evidence.

    Parameters
    ----------
    found, wanted : object
        What is compared.
    evidence : DataFrame, optional
        Where `found` comes from.
    what : str
        The name of what was found.
    """
    frame = pd.DataFrame({what: [str(found)], "wanted": [str(wanted)]}) if evidence is None else evidence
    holds = bool(found == wanted)
    why = f"{what} {found}" if holds else f"{what} {found}, not {wanted}"
    return Check(holds, why, frame, **_about(frame))


def unknown(why: str) -> Check:
    """Say that this cluster, or this recording, can't tell, and why."""
    return Check(None, why, pd.DataFrame())


def each(labs: Mapping[str, Any], check: Callable[[Any], Check]) -> dict[str, Check]:
    """Make one check on clusters of several versions, for a claim that compares them.

    Parameters
    ----------
    labs : mapping
        Version to lab, as `kitlib.labs` returns it. Where this machine can't have a version, the error that says why
        stands in the lab's place: that version's verdict is then "unknown", for that reason, and expected to be.
    check : callable
        Does what is to be done on a lab, and returns a check of what came of it.

    Returns
    -------
    dict
        Version to check; `claim` takes it where it takes a check.
    """
    return {
        version: Check(None, lab.message, pd.DataFrame(), absent=True) if isinstance(lab, KitlibError) else check(lab)
        for version, lab in labs.items()
    }


@dataclass(frozen=True)
class Claim:
    """One line of the ledger: a sentence, and what one version of Kubernetes says of it.

    Parameters
    ----------
    id : str
        The notebook's name and a slug of the text; the same in every run, and for every version.
    text : str
        The sentence.
    source : str
        Where it comes from: a section of the note, or of Kubernetes' documentation.
    verdict, expected : str
        One of VERDICTS.
    why : str
        What decided it.
    instead : str
        What is true instead, where a sentence is expected to fail or to have changed.
    evidence : list of dict
        At most 20 rows.
    evidence_rows : int
        How many there were.
    version, provider, date : str
        Which cluster was asked, and when.
    answers : dict
        Where several versions were asked: what the check gave on each.
    changed_in : str
        The version in which the sentence stopped (or began) to hold, with its source.
    older : tuple of Claim
        The lines of the older versions, of the newest's.
    """

    id: str
    notebook: str
    text: str
    source: str
    verdict: str
    expected: str
    why: str
    instead: str = ""
    evidence: list[dict[str, Any]] = field(default_factory=list, repr=False)
    evidence_rows: int = 0
    version: str = ""
    provider: str = ""
    date: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    changed_in: str = ""
    older: tuple[Claim, ...] = field(default=(), repr=False, compare=False)

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one that the claim expects."""
        return self.verdict == self.expected

    def to_dict(self) -> dict[str, Any]:
        """Return the line as it is written to disk."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "older"}

    def __str__(self) -> str:
        line = f"{MARKS[self.verdict]} {self.verdict}: {self.text}"
        if self.answers:
            line += f" ({_answered(self.answers) if self.older else f'on {self.version}'})"
        if not self.as_expected:
            line += f"\n  expected {self.expected}; {self.why}"
        elif self.verdict in ("fails", "changed"):
            line += f" (as expected){chr(10) + '  Instead: ' + self.instead if self.instead else ''}"
        return line

    def _repr_html_(self) -> str:
        return claim_html(self)


def claim_html(claim: Claim, open_evidence: bool = False) -> str:
    """Write a claim as HTML: the verdict, the sentence, and evidence that can be opened. All text is escaped."""
    esc = html.escape
    surprise = "" if claim.as_expected else f" <strong>expected {esc(claim.expected)}</strong>"
    noted = " (as expected)" if claim.as_expected and claim.expected != "holds" else ""
    answered = _answered(claim.answers) + (f"; changed in {claim.changed_in}" if claim.changed_in else "")
    versions = f" <span class='kitlib-versions'>{esc(answered)}</span>" if claim.answers else ""
    instead = f"<div class='kitlib-instead'>Instead: {esc(claim.instead)}</div>" if claim.instead else ""
    lines = [*claim.older, claim]
    evidence = [{"Kubernetes": line.version, **row} if claim.older else row for line in lines for row in line.evidence]
    rows = pd.DataFrame(evidence).astype(str) if evidence else pd.DataFrame()
    table = rows.to_html(index=False, border=0, escape=True, classes="kitlib-evidence") if len(rows) else ""
    total = sum(line.evidence_rows for line in lines)
    count = f" · {len(evidence)} of {total} rows" if total > len(evidence) else ""
    state = " open" if open_evidence else ""
    why = "".join(f"<p>{esc(f'{line.version}: {line.why}' if claim.older else line.why)}</p>" for line in lines)
    return (
        f"<div class='kitlib-claim kitlib-{esc(claim.verdict)}' data-claim='{esc(claim.id)}'>"
        f"<span class='kitlib-verdict'>{MARKS[claim.verdict]} {esc(claim.verdict)}</span>{noted}{surprise} "
        f"<span class='kitlib-text'>{esc(claim.text)}</span>{versions}"
        f"<span class='kitlib-source'> {esc(claim.source)}</span>{instead}"
        f"<details{state}><summary>evidence{count}</summary>{why}"
        f"<div class='kitlib-scroll'>{table}</div></details></div>"
    )


def _answered(answers: Mapping[str, str]) -> str:
    return ", ".join(f"{version} {MARKS[verdict]} {verdict}" for version, verdict in answers.items())


class Ledger:
    """All claims of one notebook's run; kept as JSON after each of them, so that a crash loses none.

    Parameters
    ----------
    notebook : str
        Its name.
    version, release, provider : str
        Of the cluster.
    path : Path, optional
        The JSON file; none is written if left out.
    """

    def __init__(
        self, notebook: str, version: str = "", release: str = "", provider: str = "", path: Path | None = None
    ) -> None:
        self.notebook = notebook
        self.version = version
        self.release = release
        self.provider = provider
        self.path = path
        self.complete = False
        self.claims: list[Claim] = []
        self.clusters: dict[str, dict[str, str]] = {}
        self.join(version, release, provider)

    def join(self, version: str, release: str, provider: str) -> None:
        """Add a cluster that claims are tested on; the one of the newest version is the ledger's own."""
        self.clusters[version] = {"version": version, "release": release, "provider": provider}
        newest = self.clusters[max(self.clusters, key=version_order)]
        self.version, self.release, self.provider = newest["version"], newest["release"], newest["provider"]
        self.write()

    def add(
        self,
        text: str,
        check: Check | Mapping[str, Check],
        source: str,
        expected: str | Mapping[str, str] = "holds",
        instead: str = "",
        changed_in: str = "",
    ) -> Claim:
        """Judge a check, or one on each of several versions, and append the lines; see `claim`."""
        checks = dict(check) if isinstance(check, Mapping) else {self.version: check}
        if not checks or not all(isinstance(item, Check) for item in checks.values()):
            raise UsageError(
                "the second argument is not a check", step="claim", object=text, next="use a verb: never(…), equal(…)"
            )
        versions = sorted(checks, key=version_order)
        wanted = _expected(text, expected, versions, instead, changed_in)
        found = {version: judge(checks[version]) for version in versions}
        answers = {version: verdict for version, (verdict, _) in found.items()} if len(versions) > 1 else {}
        found[versions[-1]] = _compared(found, versions, wanted, changed_in)
        lines = [
            Claim(
                id=f"{self.notebook}/{slug(text)}",
                notebook=self.notebook,
                text=text,
                source=source,
                verdict=found[version][0],
                expected="unknown" if checks[version].absent else wanted[version],
                why=found[version][1],
                instead=instead if wanted[version] in ("fails", "changed") or version == versions[-1] else "",
                evidence=_evidence(checks[version].evidence),
                evidence_rows=len(checks[version].evidence),
                version=version,
                provider=self.clusters.get(version, {}).get("provider", self.provider),
                date=datetime.now(UTC).strftime("%Y-%m-%d"),
                answers=answers,
                changed_in=changed_in,
            )
            for version in versions
        ]
        self.claims = [known for known in self.claims if known.id != lines[0].id]  # a cell that is run again
        self.claims.extend(lines)
        self.write()
        return replace(lines[-1], older=tuple(lines[:-1]))

    def unexpected(self) -> list[Claim]:
        """Return the claims whose verdict isn't the expected one."""
        return [claim for claim in self.claims if not claim.as_expected]

    def close(self) -> None:
        """Mark the ledger as complete.

        Raises
        ------
        ClaimError
            If a verdict wasn't expected; it lists them, each with the first rows of its evidence.
        """
        self.complete = True
        self.write()
        wrong = self.unexpected()
        if wrong:
            count, total = (len({claim.id for claim in claims}) for claims in (wrong, self.claims))
            raise ClaimError(
                f"{count} of {total} claims did not get the verdict that they expect:\n"
                + "\n".join(f"  {claim}{_table(claim)}" for claim in wrong),
                step="ledger",
                object=self.notebook,
                next="look at the evidence: either the sentence or the check is wrong, or Kubernetes has changed",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what is written to disk."""
        return {
            "notebook": self.notebook,
            "provider": self.provider,
            "version": self.version,
            "release": self.release,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "complete": self.complete,
            "clusters": [self.clusters[version] for version in sorted(self.clusters, key=version_order)],
            "claims": [claim.to_dict() for claim in self.claims],
        }

    def write(self) -> None:
        """Write the JSON file, whole or not at all."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(self.path)

    def summary(self) -> str:
        """Return one line: how many claims, and how many got each verdict (of the newest version that was asked)."""
        verdicts = list({claim.id: claim.verdict for claim in self.claims}.values())
        told = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in verdicts)
        wrong = len({claim.id for claim in self.unexpected()})
        return f"{len(verdicts)} claims: {told}; {f'{wrong} NOT as expected' if wrong else 'all as expected'}"

    def __repr__(self) -> str:
        return "\n".join([self.summary(), *map(str, self.claims)])

    def _repr_html_(self) -> str:
        versions = sorted({claim.version for claim in self.claims}, key=version_order)
        lines: dict[str, dict[str, Claim]] = {}
        for claim in self.claims:
            lines.setdefault(claim.id, {})[claim.version] = claim
        heads = [f"Kubernetes {version}" for version in versions] if len(versions) > 1 else ["verdict"]
        heads = [*heads, "expected", "claim", "source"]
        return (
            f"<div class='kitlib-scroll'><table class='kitlib-ledger'><caption>{html.escape(self.summary())}</caption>"
            f"<thead><tr>{''.join(f'<th>{html.escape(head)}</th>' for head in heads)}</tr></thead>"
            f"<tbody>{''.join(_ledger_line(line, versions) for line in lines.values())}</tbody></table></div>"
        )


def _ledger_line(line: Mapping[str, Claim], versions: list[str]) -> str:
    """Write a claim's line of a ledger: a verdict for each version, what was expected of the newest, the sentence."""
    newest = max(line.values(), key=lambda claim: version_order(claim.version))
    cells = "".join(
        f"<td class='kitlib-{line[version].verdict}'>{MARKS[line[version].verdict]} {line[version].verdict}</td>"
        if version in line
        else "<td>not asked</td>"
        for version in versions
    )
    instead = f"<br><em>Instead: {html.escape(newest.instead)}</em>" if newest.instead else ""
    return (
        f"<tr>{cells}<td>{html.escape(newest.expected)}</td><td>{html.escape(newest.text)}{instead}</td>"
        f"<td>{html.escape(newest.source)}</td></tr>"
    )


def judge(check: Check) -> tuple[str, str]:
    """Return the verdict of a check and why: a gap that could hide a counterexample makes it unknown."""
    if check.holds is None:
        return "unknown", check.why
    if check.fragile:
        for gap in check.gaps:
            if check.span is None or (gap["until_ns"] >= check.span[0] and gap["after_ns"] <= check.span[1]):
                return "unknown", f"the recording has a gap of {gap['kind']} here ({gap['reason']})"
    return ("holds" if check.holds else "fails"), check.why


def version_order(version: object) -> list[int]:
    """Return what versions are sorted by: 1.9 comes before 1.37."""
    return [int(part) for part in re.findall(r"\d+", str(version or ""))]


def _expected(
    text: str, expected: str | Mapping[str, str], versions: list[str], instead: str, changed_in: str
) -> dict[str, str]:
    """Return the verdict that each version should give; "changed" means: held before, not on the newest."""
    if isinstance(expected, Mapping):
        wanted = dict(expected)
    else:
        wanted = dict.fromkeys(versions, expected)
        if expected == "changed":
            wanted |= dict.fromkeys(versions[:-1], "holds")
    if set(wanted) != set(versions):
        raise UsageError(
            f"expected names {', '.join(wanted)}, but {', '.join(versions)} were asked",
            step="claim",
            object=text,
            next="name a verdict for each version, or one for all",
        )
    for verdict in wanted.values():
        if verdict not in VERDICTS:
            raise UsageError(f"no verdict {verdict!r}", step="claim", object=text, next=f"one of {VERDICTS}")
    surprising = next((verdict for verdict in wanted.values() if verdict in ("fails", "changed")), None)
    if surprising and not instead:
        raise UsageError(
            f"a claim that expects {surprising} must say what is true instead",
            step="claim",
            object=text,
            next='add instead="…"',
        )
    if "changed" in wanted.values() and not changed_in:
        raise UsageError(
            "a claim that expects changed must say in which version",
            step="claim",
            object=text,
            next='add changed_in="VERSION, SOURCE"',
        )
    return wanted


def _compared(
    found: Mapping[str, tuple[str, str]], versions: list[str], wanted: Mapping[str, str], changed_in: str
) -> tuple[str, str]:
    """Return the newest version's verdict: "changed" if an older one gives another, or if none can tell and it is said.

    What was measured counts: a change that is only declared (`changed_in`) never overrules an older version's answer.
    """
    verdict, why = found[versions[-1]]
    if verdict not in ("holds", "fails"):
        return verdict, why
    told = [version for version in versions[:-1] if found[version][0] in ("holds", "fails")]
    differs = [version for version in told if found[version][0] != verdict]
    if differs:
        then = differs[-1]
        return "changed", f"{why}; it {'held' if found[then][0] == 'holds' else 'failed'} on {then}"
    before = {wanted[version] for version in versions[:-1]} or {"holds"}
    if changed_in and not told and verdict not in before:
        return "changed", f"{why} (changed in {changed_in})"
    return verdict, why


def slug(text: str) -> str:
    """Make a claim's id from its sentence."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].rstrip("-")


def _evidence(frame: pd.DataFrame) -> list[dict[str, Any]]:
    shown = frame.head(EVIDENCE_ROWS)
    shown = shown.loc[:, [column for column in shown if not _empty(shown[column])]]
    return json.loads(shown.to_json(orient="records", date_format="iso", default_handler=str))


def _table(claim: Claim, rows: int = 5) -> str:
    """Write the first rows of a claim's evidence for a terminal; what a cluster said may not steer it."""
    if not claim.evidence:
        return ""
    table = pd.DataFrame(claim.evidence[:rows]).to_string(index=False, max_colwidth=60)
    left = claim.evidence_rows - rows
    lines = [*table.splitlines(), *([f"… and {left} more"] if left > 0 else [])]
    return "".join("\n    " + "".join(char if char.isprintable() else "�" for char in line) for line in lines)


def _empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())


_current: Ledger | None = None
_listeners: list[Callable[[Claim], None]] = []


def on_claim(listener: Callable[[Claim], None]) -> None:
    """Call a function with every claim that is made from now on, in place of those called before."""
    _listeners[:] = [listener]


def use(ledger: Ledger | None) -> None:
    """Make this the ledger that `claim` writes to."""
    global _current
    _current = ledger


def claim(
    text: str,
    check: Check | Mapping[str, Check],
    source: str,
    expected: str | Mapping[str, str] = "holds",
    instead: str = "",
    changed_in: str = "",
) -> Claim:
    """Put a sentence to the test, and write the verdict into the notebook's ledger.

    Parameters
    ----------
    text : str
        The sentence.
    check : Check or mapping
        What a verb says of it: `never(…)`, `at_most(…)`, `equal(…)`; or version to check, as `each` returns it: the
        ledger then has a line for each version, and the newest's verdict is "changed" if an older one differs.
    source : str
        Where the sentence comes from: "note: Deployment", or a page of Kubernetes' documentation.
    expected : str or mapping
        The verdict that it should get; "fails" for a sentence of the note that is known to be wrong. With several
        versions "changed" means that it should hold on all but the newest; or version to verdict.
    instead : str
        What is true instead; required where "fails" or "changed" is expected.
    changed_in : str
        The version in which it stopped to hold, with its source. Where no older version was asked, or could be, a
        sentence that fails has "changed" for that reason.

    Returns
    -------
    Claim
        With `verdict`, the newest version's; a notebook shows it.

    Raises
    ------
    UsageError
        If no ledger is open, or an argument is wrong.
    """
    if _current is None:
        raise UsageError("no ledger is open", step="claim", object=text, next='begin with kitlib.open("…")')
    made = _current.add(text, check, source, expected, instead, changed_in)
    for listener in _listeners:
        listener(made)
    return made
