"""Container engines: which of docker, podman and nerdctl answers here; else one of kitlib's own, if it can be had."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kitlib.cluster import record
from kitlib.errors import ClusterError
from kitlib.machine import proxies, subprocesses
from kitlib.machine.airgap import debian, engine

ENGINES = ("docker", "podman", "nerdctl")
PATIENCE = 3.0
"""Seconds within which an engine must answer."""
STEP = "find a container engine"


@dataclass(frozen=True)
class Engine:
    """A container engine: whether its client is installed, whether the engine answers, and what it says."""

    name: str
    installed: bool
    answers: bool
    detail: str


def engines() -> list[Engine]:
    """Ask all engines at once; a client without an engine does not count as one."""
    with ThreadPoolExecutor(len(ENGINES)) as pool:
        return list(pool.map(_ask, ENGINES))


def _ask(name: str) -> Engine:
    if not shutil.which(name):
        return Engine(name, False, False, "not installed")
    template = "{{.Host.Kernel}}" if name == "podman" else "{{.ServerVersion}}"
    try:
        ended = subprocesses.run([name, "info", "--format", template], timeout=PATIENCE)
    except subprocesses.Unfinished:
        return Engine(name, True, False, f"no answer within {PATIENCE:.0f} s")
    except OSError as error:
        return Engine(name, True, False, str(error))
    said = [line for line in [*ended.output.splitlines(), *ended.lines] if line.strip()]
    if ended.code or not ended.output.strip():
        said = [line for line in said if "onnect" in line] or said  # after which it may complain of the template
        return Engine(name, True, False, said[-1][:200] if said else f"ended with {ended.code}")
    return Engine(name, True, True, ended.output.strip()[:60])


@dataclass(frozen=True)
class Client:
    """A way to talk to an engine that answers.

    Parameters
    ----------
    program : str
        "docker", "podman" or "nerdctl".
    own : bool
        Whether the engine is kitlib's own.
    environment : mapping
        For the program, and for kind.
    """

    program: str
    own: bool
    environment: Mapping[str, str]

    def run(self, *arguments: str, step: str, patience: float = 60.0) -> str:
        """Run the client, and return what it writes to standard output.

        Parameters
        ----------
        *arguments : str
        step : str
            What is being done, for errors.
        patience : float
            Seconds that it may take.

        Raises
        ------
        ClusterError
            It fails; the message has its last words.
        """
        try:
            ended = subprocesses.run([self.program, *arguments], environment=self.environment, timeout=patience)
        except subprocesses.Unfinished as error:
            raise self._error(f"{arguments[0]} did not end within {patience:.0f} s.", step) from error
        except OSError as error:
            raise self._error(f"can't be started: {error.strerror}.", step) from error
        if ended.code:
            last = ended.lines[-1][:400] if ended.lines else f"ended with {ended.code}"
            raise self._error(f"{arguments[0]}: {last}", step)
        return ended.output

    def _error(self, what: str, step: str) -> ClusterError:
        return ClusterError(
            f"{self.program} {what}", step=step, next=f"look at `{self.program} info`: does the engine answer?"
        )


def find() -> Client | None:
    """Return a client of the engine that is to be used, if one answers: yours first, then kitlib's own."""
    own = engine.find()
    for found in engines():
        if found.answers and not (own and os.environ.get("DOCKER_HOST") == own.socket and found.name == "docker"):
            return Client(found.name, False, _environment(found.name))
    return of_own() if own else None


def of_own() -> Client | None:
    """Return a client of kitlib's own engine, if it runs."""
    own = engine.find()
    return Client("docker", True, own.environment()) if own else None


def from_record(notes: Mapping[str, object]) -> Client | None:
    """Return a client of the engine that a cluster was made with; None if that is kitlib's own, and it has gone."""
    if notes.get("own_engine"):
        return of_own()
    name = str(notes.get("engine"))
    return Client(name, False, _environment(name))


def _environment(name: str) -> dict[str, str]:
    return {**proxies.for_containers(), "KIND_EXPERIMENTAL_PROVIDER": name}


def ensure(progress: bool = True) -> Client:
    """Return a client of an engine: one that answers, or one of kitlib's own that is started for it.

    Raises
    ------
    ClusterError
        None answers, and none can be had.
    BuildError
        What kitlib's own needs can't be had.
    """
    if found := find():
        return found

    able, why = debian.able()
    if not able:
        silent = "; ".join(f"{each.name}: {each.detail}" for each in engines() if each.installed)
        raise ClusterError(
            f"no container engine answers{f' ({silent})' if silent else ''}, and kitlib can't start one: it takes root"
            f" on Debian, and {why}.",
            step=STEP,
            next="install Docker or Podman and start it, or use the embedded cluster: `kitlib up --provider embedded`",
        )
    own = engine.up(progress, for_clusters=True)
    return Client("docker", True, own.environment())


def stop_if_unused(progress: bool = True) -> None:
    """End kitlib's own engine if it was started for clusters, and there is none any more."""
    if not any(name.startswith("kind-") for name in record.names()):
        engine.down(progress, only_for_clusters=True)
