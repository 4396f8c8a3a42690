"""A Pod sent to a server, and what comes back: verdict, words, warnings, and what was written into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kitlib.api.transport import Connection
from kitlib.claims import Check, equal
from kitlib.lessons import admission
from kitlib.lessons.admission import Answer
from kitlib.lessons.policies.rows import USER

REPEATED = re.compile(
    r"^.*? is forbidden: |unable to validate against any pod security policy: "
    r"|ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: "
    r"|\[?\bspec\.\S+: Invalid value: |\]$"
)
"""What every message of admission says; which Pod and which namespace stands beside it."""


@dataclass(frozen=True)
class PodAnswer(Answer):
    """What a server says to a Pod; its verdict may also be "written": admitted, and a policy wrote into it.

    Parameters
    ----------
    wrote : dict
        What was written into it, by path; see `written`.
    """

    wrote: dict[str, Any] = field(default_factory=dict)

    @property
    def taken(self) -> str:
        """The PodSecurityPolicy that admitted it; "" if none did."""
        return str(self.stored.get("metadata", {}).get("annotations", {}).get("kubernetes.io/psp", ""))


def ask(
    connection: Connection, pod: dict[str, Any], namespace: str, user: str | None = USER, dry_run: bool = True
) -> PodAnswer:
    """Create a Pod, as a dry run unless told otherwise, and return what the server says.

    Parameters
    ----------
    connection : Connection
        A writable one, which may act as others.
    pod : dict
        Its manifest; or another object's, into which nothing is looked for.
    namespace : str
        Where.
    user : str or None
        As whom; None is whoever the connection is.
    dry_run : bool
        Whether nothing is stored.

    Raises
    ------
    ServerError
        If the server answers neither yes nor no.
    """
    answer = admission.ask(connection, pod, namespace, user, dry_run)
    wrote = written(pod, answer.stored) if answer.admitted and pod["kind"] == "Pod" else {}
    return PodAnswer("written" if wrote else answer.verdict, answer.said, answer.warnings, answer.stored, wrote)


def answers(responses: Mapping[Any, Answer], *names: str) -> pd.DataFrame:
    """Lay answers out as a frame.

    Parameters
    ----------
    responses : mapping
        Whatever tells them apart to answer; a tuple fills several columns.
    *names : str
        What these columns are called; "Pod" if left out.

    Returns
    -------
    DataFrame
        These columns, then answer (the verdict), said, warning, wrote (into the Pod; JSON). A column that is empty
        throughout is left out.
    """
    rows = []
    for key, answer in responses.items():
        keys = key if isinstance(key, tuple) else (key,)
        wrote = getattr(answer, "wrote", None)
        rows.append(
            {
                **dict(zip(names or ("Pod",), keys, strict=True)),
                "answer": answer.verdict,
                "said": answer.said,
                "warning": "; ".join(answer.warnings),
                "wrote": json.dumps(wrote) if wrote else "",
            }
        )
    frame = pd.DataFrame(rows)
    return frame.drop(columns=[name for name in ("said", "warning", "wrote") if (frame[name] == "").all()])


def brief(frame: pd.DataFrame) -> pd.DataFrame:
    """Shorten what servers said to what differs, for a table that is read; the evidence of claims has all of it.

    Parameters
    ----------
    frame : DataFrame
        Of `answers` or `PolicySuite.table`.
    """
    columns = [name for name in ("said", "warning") if name in frame]
    return frame.assign(**{name: [REPEATED.sub("", text) for text in frame[name]] for name in columns})


def verdicts(responses: Mapping[Any, Answer], wanted: str | Sequence[str], *names: str) -> Check:
    """Check that the answers have these verdicts, in their order, or all of them this one.

    Parameters
    ----------
    responses, *names
        As of `answers`, which is the evidence.
    wanted : str or sequence of str
        One verdict for all, or one for each.
    """
    each = [wanted] * len(responses) if isinstance(wanted, str) else list(wanted)
    return equal([answer.verdict for answer in responses.values()], each, answers(responses, *names), "answers")


def pod(spec: dict[str, Any] | None = None, called: str = "web", **container: Any) -> dict[str, Any]:
    """Make a Pod of one container that asks for nothing.

    Parameters
    ----------
    spec : dict, optional
        Fields of the Pod's spec beside.
    called : str
        Its name.
    **container
        Fields of its container beside.
    """
    web = {"name": "web", "image": "web:1.0", **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": called},
        "spec": {**(spec or {}), "containers": [web]},
    }


def settings(pod: dict[str, Any]) -> dict[str, Any]:
    """Return what a Pod says in the fields that PodSecurityPolicy writes to, by path; sets are sorted."""
    spec = pod["spec"]
    found: dict[str, Any] = {}
    context = spec.get("securityContext") or {}
    for name in ("seLinuxOptions", "runAsUser", "fsGroup", "supplementalGroups"):
        if context.get(name) not in (None, []):
            found[name] = context[name]
    for lane in ("initContainers", "containers"):
        for item in spec.get(lane) or ():
            own = item.get("securityContext") or {}
            for name in ("seLinuxOptions", "runAsUser", "readOnlyRootFilesystem"):
                if own.get(name) is not None:
                    found[f"{item['name']}.{name}"] = own[name]
            for name in ("add", "drop"):
                if listed := (own.get("capabilities") or {}).get(name):
                    found[f"{item['name']}.capabilities.{name}"] = sorted(listed)
    return found


def written(sent: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """Return what a policy wrote into a Pod, by path."""
    before = settings(sent)
    return {path: value for path, value in settings(stored).items() if before.get(path) != value}
