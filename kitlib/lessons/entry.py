"""What a lesson asks of an entry: when it follows, who was asked what, which share of requests went where.

In: a lab, and frames of it. Out: a wait that ends when a controller has followed; frames; passwords and certificates
that a lesson makes for itself, in memory.
"""

from __future__ import annotations

import base64
import hashlib
import math
import subprocess
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from statistics import NormalDist
from typing import Any
from urllib.parse import urlencode

import msgspec
import pandas as pd

from kitlib.api.answers import ASKED
from kitlib.claims.looking import Mask, select
from kitlib.errors import ClusterError, KitlibError
from kitlib.frames.covered import as_of
from kitlib.frames.logs import frame_of, lines
from kitlib.lab import Lab

LEVEL = 0.9999
"""How sure an interval of `shares` is: of ten thousand, one doesn't hold the true share."""
SHARES = {"requests": "int64", "hits": "int64", "share": "float64", "low": "float64", "high": "float64"}
"""Columns that `shares` returns beside the groups' own, and their types."""
ARRIVED = {"method": "str", "host": "str", "path": "str", "status": "int64"}
"""Those that `arrived` adds to the frame `logs`."""


class Mark:
    """What tells when controllers follow all that was changed before: an Ingress, each time of a new Service.

    A controller tells nobody from when on it serves by a rule. But it hears of Ingresses in the order in which they
    were changed, and serves by all of them at once: where the newest Service of this one answers, all others are known.

    Parameters
    ----------
    lab : Lab
    entries : sequence of str
        Where the controllers are asked: an address each.
    app : str
        The label `app` of a probe that answers, at port 8080.
    of : str
        The controllers' class.
    pod : str
        A probe that serves, by which they are asked. Something must be recorded all the time, such as a client's log:
        they are asked when something is.
    """

    def __init__(self, lab: Lab, entries: Sequence[str], app: str, of: str = "nginx", pod: str = "visitor") -> None:
        self._lab, self._entries, self._app, self._of, self._pod = lab, entries, app, of, pod
        self._count = 0

    def wait(self) -> None:
        """Change it, and return when each entry serves it so.

        Raises
        ------
        WaitTimeout
            If one of them doesn't.
        """
        self._count += 1
        name = f"mark-{self._of}-{self._count}"
        with self._lab.quiet():
            self._lab.apply(_service(name, self._app))
            self._lab.apply(_mark(name, self._of))
        self._lab.until(lambda: self._answer(f"mark.example/{name}", {200}, count=5), f"{self._of} serves {name}")

    def known(self, *hosts: str, header: str = "", count: int = 1) -> None:
        """Return when each entry knows who is behind some hosts: when it answers neither with 404 nor with 503.

        Parameters
        ----------
        *hosts : str
            Each with a path, or without one.
        header : str
            What is sent, too: "NAME: VALUE".
        count : int
            How many requests in a row.

        Raises
        ------
        WaitTimeout
            If one of them isn't known.
        """
        for host in hosts:
            so = partial(self._answer, host, {*range(200, 600)} - {404, 503}, header, count)
            self._lab.until(so, f"{self._of} serves {host}")

    def _answer(self, host: str, wanted: Collection[int], header: str = "", count: int = 1) -> bool:
        """Say whether each entry answers so."""
        name, _, path = host.partition("/")
        headers = {"Host": name} | ({header.partition(":")[0]: header.partition(":")[2].strip()} if header else {})
        try:
            told = (_sent(self._lab, self._pod, f"http://{each}/{path}", headers, count) for each in self._entries)
            return all({each["status"] for each in answers} <= set(wanted) for answers in told)
        except KitlibError:  # a busy server: it is asked again
            return False


def _service(name: str, app: str) -> dict[str, Any]:
    spec = {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _mark(name: str, of: str) -> dict[str, Any]:
    path = {"path": f"/{name}", "pathType": "Exact", "backend": {"service": {"name": name, "port": {"number": 80}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": f"mark-{of}"},
        "spec": {"ingressClassName": of, "rules": [{"host": "mark.example", "http": {"paths": [path]}}]},
    }


def send(lab: Lab, pod: str, url: str, headers: Mapping[str, str], count: int = 1) -> list[dict[str, Any]]:
    """Have a probe that serves send requests, one after the other, with several headers.

    Where the API server, by which it is told so, doesn't answer, it is told once more: they may be sent twice.

    Parameters
    ----------
    lab : Lab
    pod : str
        The probe's name.
    url : str
    headers : mapping of str to str
        "Host" decides who is asked for.
    count : int

    Returns
    -------
    list of dict
        What came of each: `status`, `who`, `error` and so on; see docs/probe.md.
    """
    return ASKED.run(lambda: _sent(lab, pod, url, headers, count))


def _sent(lab: Lab, pod: str, url: str, headers: Mapping[str, str], count: int) -> list[dict[str, Any]]:
    given = [("header", f"{name}: {value}") for name, value in headers.items()]
    query = urlencode([("url", url), ("count", count), ("timeout", "10s"), *given])
    told: list[dict[str, Any]] = lab.ask(pod, f"/load?{query}")
    return told[:-1]


class _Asked(msgspec.Struct, gc=False):
    """A line of a probe that serves: what it was asked."""

    event: str
    path: str
    host: str = ""
    method: str = ""
    status: int = 0


_asked = msgspec.json.Decoder(_Asked)


def arrived(logs: pd.DataFrame, *parts: str) -> pd.DataFrame:
    """Read what probes that serve have logged of requests: what arrived at which Pod, and as what.

    Parameters
    ----------
    logs : DataFrame
        The frame of that name.
    *parts : str
        Names of columns for the parts of the path; requests for a path of fewer or more parts are left out then.

    Returns
    -------
    DataFrame
        One row for each request, with the columns of `logs` (`name` is who was asked) and: `method`, `host`, `path`,
        `status` (int: what was answered); and those of `parts` (str).
    """
    found = [(row, said) for row, said in lines(logs, _asked, '"event":"request"') if isinstance(said, _Asked)]
    if parts:
        found = [(row, said) for row, said in found if len(_parts(said.path)) == len(parts)]
    told = frame_of(logs, (row for row, _ in found))
    for name, dtype in ARRIVED.items():
        told[name] = pd.Series([getattr(said, name) for _, said in found], index=told.index, dtype=dtype)
    for number, name in enumerate(parts):
        told[name] = pd.Series([_parts(said.path)[number] for _, said in found], index=told.index, dtype="str")
    return as_of(logs, told)


def _parts(path: str) -> list[str]:
    return path.split("/")[1:]


def wilson(hits: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Return within which bounds a share lies, of which a sample is known: Wilson's score interval.

    Parameters
    ----------
    hits, total : int
        Of so many, so many were it.
    level : float
        How sure that is to be.

    Returns
    -------
    (float, float)
        From 0 to 1; all of that where there is no sample.
    """
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle = (hits + z**2 / 2) / (total + z**2)
    half = z * math.sqrt(hits * (total - hits) / total + z**2 / 4) / (total + z**2)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def shares(traffic: pd.DataFrame, of: Mask, by: str = "container", level: float = LEVEL) -> pd.DataFrame:
    """Return which share of each client's requests was served in some way, and between what that must lie.

    Parameters
    ----------
    traffic : DataFrame
        The frame of that name.
    of : str or callable
        What counts as a hit, as for `never`: `"who == 'new'"`.
    by : str
        The column that tells the groups.
    level : float
        How sure the interval is to be.

    Returns
    -------
    DataFrame
        A row for each group: its name, `requests`, `hits` (int), `share`, `low`, `high` (float, 0 to 1: what was seen,
        and Wilson's interval).
    """
    hits = select(traffic, of).fillna(False).astype(bool)
    rows = []
    for name, mine in hits.groupby(traffic[by], sort=True):
        count, total = int(mine.sum()), len(mine)
        rows.append((name, total, count, count / total, *wilson(count, total, level)))
    return as_of(traffic, pd.DataFrame(rows, columns=[by, *SHARES]).astype({by: "str", **SHARES}))


def secret(name: str, data: Mapping[str, str], of: str = "Opaque") -> dict[str, Any]:
    """Return a Secret, to be applied.

    Parameters
    ----------
    name : str
    data : mapping of str to str
    of : str
        Its type.
    """
    about = {"metadata": {"name": name}, "type": of, "stringData": dict(data)}
    return {"apiVersion": "v1", "kind": "Secret", **about}


def hashed(user: str, password: str) -> str:
    """Return a line of a password file, as `htpasswd -s` writes it."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return f"{user}:{{SHA}}{base64.b64encode(digest).decode()}"


def basic(user: str, password: str) -> str:
    """Return the value of the header `Authorization` by which a user logs in."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def certificate(host: str) -> dict[str, str]:
    """Return a certificate for a name, which it signs itself, and its key: what a Secret for TLS holds.

    Raises
    ------
    ClusterError
        If there is no `openssl` here, or it fails.
    """
    new = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        "/dev/stdout",
    ]
    about = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    try:
        done = subprocess.run(
            ["openssl", "req", "-x509", *new, *about], check=True, capture_output=True, encoding="utf-8"
        )
    except (OSError, subprocess.CalledProcessError) as error:
        why = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        raise ClusterError(why, step="make a certificate", object=host, next="install openssl") from error
    key, begin, rest = done.stdout.partition("-----BEGIN CERTIFICATE-----")
    return {"tls.crt": begin + rest, "tls.key": key}


__all__ = [
    "ARRIVED",
    "LEVEL",
    "SHARES",
    "Mark",
    "arrived",
    "basic",
    "certificate",
    "hashed",
    "secret",
    "send",
    "shares",
    "wilson",
]
