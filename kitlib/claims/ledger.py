"""The ledger: what was claimed of a cluster, with verdict and evidence, on disk after every claim."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib.claims.checks import Check, judge
from kitlib.claims.render import answered, claim_html, evidence_text, ledger_html
from kitlib.claims.verdicts import MARKS, VERDICTS, compared, expected_verdicts, version_order
from kitlib.errors import ClaimError, UsageError
from kitlib.files import write_whole
from kitlib.frames.origin import forget

EVIDENCE_ROWS = 20
"""So many rows of a claim's evidence are kept."""


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
    recorded : bool
        Whether a recording of that cluster was asked; the date is then the recording's.
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
    recorded: bool = False
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
            line += f" ({answered(self.answers) if self.older else f'on {self.version}'})"
        if not self.as_expected:
            line += f"\n  expected {self.expected}; {self.why}"
        elif self.verdict in ("fails", "changed"):
            line += f" (as expected){chr(10) + '  Instead: ' + self.instead if self.instead else ''}"
        return line

    def _repr_html_(self) -> str:
        return claim_html(self)


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
    recorded : str
        The day of the recording on which claims are tested, "2026-11-29"; "" where a cluster is asked.
    """

    def __init__(
        self,
        notebook: str,
        version: str = "",
        release: str = "",
        provider: str = "",
        path: Path | None = None,
        recorded: str = "",
    ) -> None:
        self.notebook = notebook
        self.version = version
        self.release = release
        self.provider = provider
        self.path = path
        self.recorded = recorded
        self.complete = False
        self.claims: list[Claim] = []
        self.clusters: dict[str, dict[str, str]] = {}
        self.join(version, release, provider)

    @property
    def date(self) -> str:
        """The day on which the cluster was asked: today, or when it was recorded."""
        return self.recorded or datetime.now(UTC).strftime("%Y-%m-%d")

    def join(self, version: str, release: str, provider: str) -> None:
        """Add a cluster that claims are tested on; the one of the newest version is the ledger's own.

        Another one of a version that is there already, such as a variant, changes nothing.
        """
        self.clusters.setdefault(version, {"version": version, "release": release, "provider": provider})
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
        wanted = expected_verdicts(text, expected, versions, instead, changed_in)
        found = {version: judge(checks[version]) for version in versions}
        answers = {version: verdict for version, (verdict, _) in found.items()} if len(versions) > 1 else {}
        found[versions[-1]] = compared(found, versions, wanted, changed_in)
        lines = [
            Claim(
                id=self._id(text),
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
                date=self.date,
                answers=answers,
                changed_in=changed_in,
                recorded=bool(self.recorded),
            )
            for version in versions
        ]
        self.claims = [known for known in self.claims if known.id != lines[0].id]  # a cell that is run again
        self.claims.extend(lines)
        self.write()
        return replace(lines[-1], older=tuple(lines[:-1]))

    def _id(self, text: str) -> str:
        """Make a sentence's id: where another one has it already, with a digest of the whole sentence."""
        plain = f"{self.notebook}/{slug(text)}"
        if all(known.text == text for known in self.claims if known.id == plain):
            return plain
        return f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

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
                + "\n".join(f"  {claim}{evidence_text(claim)}" for claim in wrong),
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
            "date": self.date,
            "recorded": bool(self.recorded),
            "complete": self.complete,
            "clusters": [self.clusters[version] for version in sorted(self.clusters, key=version_order)],
            "claims": [claim.to_dict() for claim in self.claims],
        }

    def write(self) -> None:
        """Write the JSON file, whole or not at all."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")

    def summary(self) -> str:
        """Return one line: how many claims, and how many got each verdict (of the newest version that was asked)."""
        verdicts = list({claim.id: claim.verdict for claim in self.claims}.values())
        told = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in verdicts)
        wrong = len({claim.id for claim in self.unexpected()})
        return f"{len(verdicts)} claims: {told}; {f'{wrong} NOT as expected' if wrong else 'all as expected'}"

    def __repr__(self) -> str:
        return "\n".join([self.summary(), *map(str, self.claims)])

    def _repr_html_(self) -> str:
        return ledger_html(self)


def slug(text: str) -> str:
    """Make a claim's id from its sentence."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].rstrip("-")


def _evidence(frame: pd.DataFrame) -> list[dict[str, Any]]:
    shown = frame.head(EVIDENCE_ROWS)
    shown = shown.loc[:, [column for column in shown if not _empty(shown[column])]]
    return json.loads(shown.to_json(orient="records", date_format="iso", default_handler=str))


def _empty(column: pd.Series) -> bool:
    return bool((column.isna() | (column.astype(str) == "")).all())


_current: Ledger | None = None
_listeners: list[Callable[[Claim], None]] = []


def on_claim(listener: Callable[[Claim], None]) -> None:
    """Call a function with every claim that is made from now on, in place of those called before."""
    _listeners[:] = [listener]


def use(ledger: Ledger | None) -> None:
    """Make this the ledger that `claim` writes to; gaps of frames that were handed out before don't concern it."""
    global _current
    forget()
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


__all__ = ["EVIDENCE_ROWS", "Claim", "Ledger", "claim", "on_claim", "slug", "use"]
