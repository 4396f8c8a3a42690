"""The same policies on clusters of several versions, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from kitlib.errors import KitlibError
from kitlib.lessons.policies.dryrun import brief, settings
from kitlib.lessons.policies.removal import remove
from kitlib.lessons.policies.rows import ALL, ROWS
from kitlib.lessons.policies.suite import PolicySuite
from kitlib.machine import versions


class PolicySuites(dict[str, "PolicySuite | KitlibError"]):
    """The policies of a folder on clusters of several versions: version to suite.

    Where this machine can't have a version, the error that says why stands in its place, as in `kitlib.labs`; so
    `kitlib.each` takes this as it takes labs. What an interrupted run has left on the clusters is removed.

    Parameters
    ----------
    labs : mapping
        As `kitlib.labs` returns it.
    folder : Path or str
        Where the rows' folders are.

    Attributes
    ----------
    present : dict
        Only what there is.
    """

    def __init__(self, labs: Mapping[str, Any], folder: Path | str) -> None:
        super().__init__()
        self.present: dict[str, PolicySuite] = {}
        for version, lab in labs.items():
            if isinstance(lab, KitlibError):
                self[version] = lab
                continue
            remove(lab.connection)
            self[version] = self.present[version] = PolicySuite(lab.connection, Path(folder), lab=lab)

    def apply(self) -> None:
        """Apply every policy on each cluster."""
        for suite in self.present.values():
            suite.apply()

    def close(self) -> None:
        """Remove all of it; then the labs end, the newest last."""
        for suite in self.present.values():
            suite.close()
        for suite in self.present.values():
            if suite.lab:
                suite.lab.close()

    def table(self) -> pd.DataFrame:
        """Ask each for the rows' Pods, and lay out what they say, a line for each row.

        Returns
        -------
        DataFrame
            row; why each version refuses the first Pod; what each writes into the second (JSON; "" if nothing). Where
            an answer is not the one that the row's policy is for, the verdict stands there instead.
        """
        says, writes = pd.DataFrame({"row": list(ROWS.values())}), pd.DataFrame()
        for version, suite in self.present.items():
            made = brief(suite.table("enforce", version))
            said = [text.removeprefix(f"{row}: ") for row, text in zip(made["row"], made["said"], strict=True)]
            says[f"{version} refuses"] = pd.Series(said).where(made["unwanted"] == "refused", made["unwanted"])
            writes[f"{version} writes"] = made["wrote"].where(made["wanted"] != "refused", made["wanted"])
        return says.join(writes)

    def means(self, newest: str = versions.DEFAULT, oldest: str = versions.OLDEST) -> pd.DataFrame:
        """Ask for the rows' Pods by every means there is: the oldest's PodSecurityPolicy, and what the newest has.

        Returns
        -------
        DataFrame
            As of `PolicySuite.table`; its means are PSP and the version, baseline, restricted, VAP alone, MAP alone,
            VAP + MAP. Where VAP is all there is of a row, it is both.
        """
        today = self.present[newest]
        whole = today.table("enforce", "VAP + MAP")
        vap = today.table("refuse", "VAP alone")
        only = whole[~whole["row"].isin(vap["row"])].assign(means="VAP alone")
        then = [self.present[oldest].table("enforce", f"PSP {oldest}")] if oldest in self.present else []
        levels = [today.table(level, level) for level in ("baseline", "restricted")]
        return _by_row(pd.concat([*then, *levels, vap, only, today.table("write", "MAP alone"), whole]))

    def compare(self, pods: Iterable[tuple[str, dict[str, Any]]]) -> pd.DataFrame:
        """Send the same Pods to every version.

        Parameters
        ----------
        pods : iterable of tuple
            Row and Pod, as `grid` makes them.

        Returns
        -------
        DataFrame
            Pod, policy (the row), each version's verdict (a column each), differs and written_differs (bool; the
            verdict does, or what was written into a Pod that all admit), why (where a reason is known).
        """
        listed = list(pods)
        responses = {version: suite.ask_all(listed, what=f"ask {version}") for version, suite in self.present.items()}
        rows = []
        for number, (row, pod) in enumerate(listed):
            made = {version: all_of_it[number] for version, all_of_it in responses.items()}
            said = [answer.verdict for answer in made.values()]
            wrote = [settings(answer.stored) for answer in made.values() if answer.admitted]
            rows.append(
                {
                    "Pod": pod["metadata"]["name"],
                    "policy": row,
                    **dict(zip(made, said, strict=True)),
                    "differs": len(set(said)) > 1,
                    "written_differs": len(wrote) == len(said) and any(other != wrote[0] for other in wrote),
                    "why": _why(row, pod),
                }
            )
        return pd.DataFrame(rows)


def _why(row: str, pod: dict[str, Any]) -> str:
    """Return the one reason for which 1.17 and 1.37 differ, where it applies."""
    empty = pod["spec"].get("securityContext", {}).get("supplementalGroups") == []
    return "supplementalGroups is an empty list" if empty and row in (ALL, "supplemental-groups") else ""


def _by_row(table: pd.DataFrame) -> pd.DataFrame:
    order = list(ROWS.values())
    return table.sort_values("row", key=lambda names: names.map(order.index), kind="stable", ignore_index=True)


def covered(table: pd.DataFrame, means: str) -> list[str]:
    """Return the rows in which a means refuses the one Pod and admits the other.

    Parameters
    ----------
    table : DataFrame
        Of `PolicySuites.means`.
    means : str
        Which.
    """
    mine = table[(table["means"] == means) & (table["unwanted"] == "refused") & (table["wanted"] != "refused")]
    return list(mine["row"])
