"""Kubeconfig files, read and merged as kubectl does it, and never written to.

Of several files the first that has an entry counts, also where a later one would say more; the current context is that
of the first file that names one. Paths are meant from the file in which they stand. A file that can't be read spoils
nothing beside it: it is named, once; kubectl refuses them all. Where no file says which context is meant, a Pod's
service account is, as for kubectl.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitlib.api import incluster
from kitlib.errors import ClusterError

HINT = "look at it with `kubectl config view`"
PATHS = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
"""Fields that hold a path, by the kind of entry."""
MODES = ("IfAvailable", "Never", "Always")
"""What `interactiveMode` may be; a plugin of v1 must name one, one of v1beta1 has the first."""


@dataclass(frozen=True)
class Context:
    """One context: which server is asked, and as whom.

    Parameters
    ----------
    name : str
        Its name.
    cluster, user : dict
        Both entries with the kubeconfig's own keys; paths are absolute. A user that isn't there is an empty one.
    namespace : str
        Where kubectl looks by itself.
    source : str
        The files that it was read from, for messages.
    """

    name: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    namespace: str = ""
    source: str = ""


@dataclass(frozen=True)
class Kubeconfig:
    """What one file or several hold together.

    Parameters
    ----------
    contexts, clusters, users : dict
        Entries by name, their paths absolute.
    current : str
        The current context; empty if no file names one.
    files : tuple of Path
        Those that were read.
    broken : dict
        Files that could not be, and why.
    """

    contexts: dict[str, dict[str, Any]]
    clusters: dict[str, dict[str, Any]]
    users: dict[str, dict[str, Any]] = field(repr=False)
    current: str
    files: tuple[Path, ...]
    broken: dict[Path, str]

    def context(self, name: str | None = None) -> Context:
        """Return one context, checked as kubectl checks it.

        Parameters
        ----------
        name : str, optional
            The current one if None.

        Raises
        ------
        ClusterError
            If there is none of that name, or its entries contradict each other.
        """
        wanted = self.current if name is None else name
        if wanted not in self.contexts:  # one may be called nothing, as for kubectl
            what = f"there is no context {wanted!r}" if wanted else "it names no current context"
            raise self._unusable(what, f"use one of: {', '.join(sorted(self.contexts)) or '(there is none)'}")
        entry = self.contexts[wanted]
        cluster = self.clusters.get(_text(entry.get("cluster")), {})
        user = self.users.get(_text(entry.get("user")), {})
        problems = [*_cluster_problems(_text(entry.get("cluster")), cluster), *_user_problems(user)]
        if problems:
            raise self._unusable("; ".join(problems), "mend these entries; `kubectl config view` shows them")
        return Context(wanted, cluster, user, _text(entry.get("namespace")), self.source)

    @property
    def source(self) -> str:
        """The files, for messages."""
        return os.pathsep.join(map(str, (*self.files, *self.broken))) or "no kubeconfig file"

    def _unusable(self, what: str, then: str) -> ClusterError:
        why = "".join(f"; {path} can't be read: {reason}" for path, reason in self.broken.items())
        return ClusterError(f"can't use this kubeconfig: {what}{why}", step="connect", object=self.source, next=then)


def given(key: str, value: Path | bytes | None) -> dict[str, str]:
    """Return a field of an entry: a file's path, or as KEY-data what it would hold; none for None."""
    if isinstance(value, bytes):
        return {f"{key}-data": base64.b64encode(value).decode()}
    return {} if value is None else {key: str(value)}


def files(environ: Mapping[str, str] | None = None) -> list[Path]:
    """Return your kubeconfig files, whether they are there or not: those of ``KUBECONFIG``, or ~/.kube/config."""
    environ = os.environ if environ is None else environ
    named = list(dict.fromkeys(part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part))
    return [Path(part) for part in named] or [Path.home() / ".kube" / "config"]


def read(source: Path | str | Iterable[Path] | None = None) -> Kubeconfig:
    """Read one file, which must be right, or several, of which broken ones are noted.

    Parameters
    ----------
    source : Path, str or iterable of Path, optional
        One file; several, also as ``KUBECONFIG`` has them; by default those of `files`, or a Pod's service account
        where they name no current context. The folder of a service account stands for it.

    Raises
    ------
    ClusterError
        If the only file is not there, or can't be read.
    """
    if isinstance(source, str | Path) and Path(source) == incluster.FOLDER and incluster.possible():
        return _in_cluster()
    if source is None:
        paths = files()
    elif isinstance(source, str | Path):
        whole = Path(source)
        paths = [whole] if whole.exists() else [Path(part) for part in str(source).split(os.pathsep) if part]
    else:
        paths = list(source)
    merged = Kubeconfig({}, {}, {}, "", (), {})
    current, good, broken = "", [], {}
    for path in paths:
        if not path.exists() and not path.is_symlink():
            continue
        try:
            found = _one(path)
        except (OSError, ValueError) as error:
            broken[path] = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            continue
        good.append(path)
        current = current or found.current
        for kind in ("contexts", "clusters", "users"):
            for name, entry in getattr(found, kind).items():
                getattr(merged, kind).setdefault(name, entry)
    if current not in merged.contexts and not current and source is None and not broken and incluster.possible():
        return _in_cluster(merged, good)
    if not good:
        raise _none(paths, broken)
    return Kubeconfig(merged.contexts, merged.clusters, merged.users, current, tuple(good), broken)


def _in_cluster(beside: Kubeconfig | None = None, good: Iterable[Path] = ()) -> Kubeconfig:
    """Return a Pod's service account as the current context, beside what files have."""
    found = beside or Kubeconfig({}, {}, {}, "", (), {})
    context, cluster, user = incluster.entries()
    name = incluster.NAME
    return Kubeconfig(
        {**found.contexts, name: context},
        {**found.clusters, name: cluster},
        {**found.users, name: user},
        name,
        (*good, incluster.FOLDER),
        {},
    )


def _none(paths: list[Path], broken: Mapping[Path, str]) -> ClusterError:
    if broken:
        path, why = next(iter(broken.items()))
        what = f"can't use this kubeconfig: this is not a kubeconfig file that can be read: {why}"
        return ClusterError(what, step="connect", object=str(path), next=HINT)
    return ClusterError(
        "can't use this kubeconfig: there is no such file",
        step="connect",
        object=os.pathsep.join(map(str, paths)),
        next="run `kitlib up` for a cluster of kitlib's own, or check the file's name",
    )


def _one(path: Path) -> Kubeconfig:
    """Read one file; ValueError says what is wrong with it."""
    config = _parsed(path.read_bytes())
    if config is None:
        config = {}
    if not isinstance(config, dict):
        raise ValueError("it holds no map of fields")
    if config.get("kind") not in (None, "", "Config"):
        raise ValueError(f"it is a {config['kind']}, not a Config")
    parts = {kind: _named(config, f"{kind}s", kind, path.parent) for kind in ("context", "cluster", "user")}
    current = _text(config.get("current-context"))
    return Kubeconfig(parts["context"], parts["cluster"], parts["user"], current, (path,), {})


def _named(config: dict[str, Any], plural: str, kind: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of one kind by name; one without a name has an empty one, as for kubectl."""
    items = config.get(plural)
    if items is None:
        return {}
    if not isinstance(items, list):
        raise ValueError(f"its {plural} are no list")
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        entry = item.get(kind) if isinstance(item, dict) else 0
        if not isinstance(entry, dict | None):
            raise ValueError(f"one of its {plural} is no {kind}")
        name = _text(item.get("name"))
        if name in found:
            raise ValueError(f"two of its {plural} are called {name!r}")
        found[name] = _absolute(entry or {}, kind, folder)
    return found


def _absolute(entry: dict[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    """Return an entry whose paths are meant from the file's folder."""
    base = folder.absolute()
    changed = {key: str(base / entry[key]) for key in PATHS.get(kind, ()) if _text(entry.get(key))}
    plugin = entry.get("exec") if kind == "user" else None
    if isinstance(plugin, dict) and os.sep in _text(plugin.get("command")):
        changed["exec"] = {**plugin, "command": str(base / plugin["command"])}  # type: ignore[assignment]
    return {**entry, **changed}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _cluster_problems(name: str, cluster: Mapping[str, Any]) -> list[str]:
    """Return what kubectl refuses about a cluster's entry."""
    if not cluster:
        return [f"there is no cluster {name!r}" if name else "the context names no cluster"]
    problems = [] if _text(cluster.get("server")) else [f"cluster {name!r} has no server"]
    problems += _not_of(cluster, bool, "true or false", "insecure-skip-tls-verify", "disable-compression")
    proxy = _text(cluster.get("proxy-url"))
    if proxy and proxy.partition("://")[0].lower() not in ("http", "https", "socks5"):
        problems.append(f"proxy-url {proxy!r} is none of http, https, socks5")
    problems += _twice(cluster, "certificate-authority")
    has_authority = cluster.get("certificate-authority-data") or cluster.get("certificate-authority")
    if cluster.get("insecure-skip-tls-verify") and has_authority:
        problems.append("insecure-skip-tls-verify goes with no certificate authority")
    return problems


def _twice(entry: Mapping[str, Any], key: str) -> list[str]:
    both = entry.get(key) and entry.get(f"{key}-data")
    return [f"{key} and {key}-data are both given; only one is allowed"] if both else []


def _not_of(entry: Mapping[str, Any], kind: type, words: str, *keys: str) -> list[str]:
    """Return which fields hold something else than they may: a text "false" would count as true."""
    return [f"{key} is not {words}" for key in keys if entry.get(key) is not None and not isinstance(entry[key], kind)]


def _user_problems(user: Mapping[str, Any]) -> list[str]:
    """Return what kubectl refuses about a user's entry."""
    problems = _not_of(user, list, "a list", "as-groups") + _not_of(user, dict, "a map", "as-user-extra")
    if isinstance(extra := user.get("as-user-extra"), dict):
        problems += _not_of(extra, list, "a list", *extra)
    if user.get("token") and (user.get("username") or user.get("password")):
        problems.append("the user has a token and a password; only one is allowed")
    has_certificate = user.get("client-certificate-data") or user.get("client-certificate")
    if has_certificate:
        problems += [*_twice(user, "client-certificate"), *_twice(user, "client-key")]
    if has_certificate and not (user.get("client-key-data") or user.get("client-key")):
        problems.append("client-certificate is given without client-key")
    if (user.get("as-uid") or user.get("as-groups") or user.get("as-user-extra")) and not user.get("as"):
        problems.append("as-uid, as-groups and as-user-extra need `as`")
    plugin = user.get("exec")
    if plugin is not None:
        if not isinstance(plugin, dict):
            return [*problems, "exec is no map of fields"]
        problems += _not_of(plugin, list, "a list", "args", "env")
        problems += _not_of(plugin, bool, "true or false", "provideClusterInfo")
        if user.get("auth-provider"):
            problems.append("exec and auth-provider can't be used together")
        problems += [f"exec has no {key}" for key in ("command", "apiVersion") if not plugin.get(key)]
        mode = plugin.get("interactiveMode") or ("" if _text(plugin.get("apiVersion")).endswith("/v1") else MODES[0])
        if mode not in MODES:
            problems.append(f"exec's interactiveMode {mode!r} is none of {', '.join(MODES)}")
        if any(not (isinstance(each, dict) and each.get("name")) for each in plugin.get("env") or ()):
            problems.append("a variable of exec's env has no name")
    return problems


def _parsed(data: bytes) -> Any:
    """Return what a file holds: JSON, or the first document of YAML."""
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    if data[:1] == b"{":
        try:
            return json.loads(data)
        except ValueError:  # a map of YAML begins so, too
            pass
    import yaml  # here: it takes a third of the time in which this room is imported

    from kitlib.api._yaml import Loader

    try:
        return next(yaml.load_all(data, Loader), None)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
