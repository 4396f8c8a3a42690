"""The guards: what in kitlib keeps a fault from passing unnoticed, and which scenarios notice if it were gone.

Each is taken out once, in a copy of kitlib under build/, and scenarios of the families that rely on it are run until
one fails. A guard that nobody misses is no guard: either the suite doesn't try what it is for, or it is dead code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.scenarios import COUNT, scenario
from tests.faults.suite import CHECKOUT, PLACE

AT_MOST = 7
"""So many scenarios of each family are tried, before a guard counts as one that nobody misses."""
SECONDS = 240
"""A guard whose scenarios take longer counts as missed: the recorder hangs without it."""


@dataclass(frozen=True)
class Guard:
    """One guard.

    Parameters
    ----------
    what : str
        What it keeps from passing unnoticed.
    file : str
        Where it stands, below kitlib/.
    old, new : str
        Its text, which stands there once, and what is left when it is taken out.
    families : tuple of str
        Of scenarios that rely on it.
    """

    what: str
    file: str
    old: str
    new: str
    families: tuple[str, ...]

    def taken_out(self, text: str) -> str:
        """Return a file's text without it.

        Raises
        ------
        ValueError
            If it doesn't stand there once: then the table has to follow the code.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.what!r} stands there {text.count(self.old)} times: {self.old!r}")
        return text.replace(self.old, self.new)

    def numbers(self) -> list[int]:
        """Return the scenarios that are to notice, of each family in turn."""
        each = [[n for n in range(COUNT) if scenario(n).family == family][:AT_MOST] for family in self.families]
        return [mine[turn] for turn in range(AT_MOST) for mine in each if turn < len(mine)]


REFLECTOR, LIFE, RECORDER, CHANGES = (f"watch/{name}.py" for name in ("reflector", "life", "recorder", "changes"))
LATENESS, LOGS, HISTORY, COVERAGE = "watch/lateness.py", "watch/logs.py", "watch/history.py", "recording/coverage.py"
ANSWERS, DISCOVERY = "api/answers.py", "api/discovery.py"

GUARDS = (
    # A stream ends, and nobody says so.
    Guard(
        "a thread that dies says why",
        REFLECTOR,
        '= f"{type(error).__name__}: {error}"\n            self._mark("DIED", error=self.last_error)\n',
        '= ""\n',
        ("thread dies",),
    ),
    Guard(
        "an error that nobody expects doesn't end a watch",
        REFLECTOR,
        "        except Exception as error:  # unforeseen",
        "        except ZeroDivisionError as error:  # unforeseen",
        ("error within",),
    ),
    Guard(
        "who records is told that the disk is full",
        RECORDER,
        "must not end a watch unnoticed\n            self._fail(error)",
        "must not end a watch unnoticed\n            del error",
        ("full disk",),
    ),
    Guard(
        "a refusal that is cut has its code, and says when to come again",
        ANSWERS,
        '    except ClusterError:\n        body = b""\n',
        "    except ZeroDivisionError:\n        raise\n",
        ("answer cut", "busy at the start"),
    ),
    Guard(
        "a kind that is forbidden is named, and the others go on",
        REFLECTOR,
        "        if code in REFUSED:\n",
        "        if code is None:\n",
        ("forbidden from the start",),
    ),
    Guard(
        "a gap is closed once its kind can be recorded",
        LIFE,
        "        if self._open:  # it went on where it was",
        "        if self._open is None:  # it went on where it was",
        ("forbidden from the start", "forbid"),
    ),
    Guard(
        "what no ALIVE covers isn't covered, and says why",
        COVERAGE,
        'why = self.died or ("" if self.ended else NO_END)',
        "why = self.died",
        ("dead and killed", "kill the recorder"),
    ),
    Guard(
        "a stream that was silent at its end isn't covered up to it",
        COVERAGE,
        'JUST_NS if what.get("asked") else PROVEN_NS',
        "PROVEN_NS",
        ("dead at the end",),
    ),
    Guard(
        "a stream that was silent at its end, and has everything, is covered up to it",
        RECORDER,
        "        self._prove(ended_ns)\n",
        "",
        ("silent at the end",),
    ),
    Guard(
        "a stream says that it was followed to its end",
        RECORDER,
        "                reflector.end(ended_ns)\n",
        "                pass\n",
        ("silent at the end", "cut fin"),
    ),
    Guard(
        "who was cut off at the end says why",
        LIFE,
        "if self._down_ns is not None and max(self._down_ns, self._known_ns) < at_ns and not self._open:",
        "if self._down_ns == 0:",
        ("away at the end",),
    ),
    Guard(
        "a dead watch is noticed by its silence",
        REFLECTOR,
        "read_timeout=self.timeouts.silent_seconds",
        "read_timeout=300",
        ("dead",),
    ),
    Guard(
        "what came is on the disk soon",
        RECORDER,
        '            jobs.append(("flush", self._flush_now_and_then))',
        "            pass",
        ("kill the recorder",),
    ),
    Guard(
        "the kubeconfig file is read again",
        REFLECTOR,
        "            if self._failures % 3 == 0:\n                self._renew()",
        "            if self._failures < 0:\n                self._renew()",
        ("server moves",),
    ),
    # A history that isn't what it was.
    Guard(
        "a history that is gone is listed anew",
        REFLECTOR,
        '    if code == 410 or reason in ("Expired", "Gone"):',
        "    if code == -1:",
        ("error 410", "answer 410"),
    ),
    Guard(
        "a list after a gap says that there was one",
        REFLECTOR,
        "            if not first and version != self.history.version:",
        "            if version == -1:",
        ("error 410", "answer 410"),
    ),
    Guard(
        "a store that stands behind what was seen was put back",
        REFLECTOR,
        "        if behind:\n",
        "        if behind is None:\n",
        ("store put back",),
    ),
    Guard(
        "a version that is too large is given up",
        REFLECTOR,
        'if "ResourceVersionTooLarge" in causes or "too large resource version" in message.lower():',
        "if code == -1:",
        ("too large",),
    ),
    Guard(
        "an ERROR that ends each watch from there is not tried for ever",
        REFLECTOR,
        "and self._failures >= STUCK:",
        "and self._failures < 0:",
        ("error without a code",),
    ),
    Guard(
        "a Status over several lines is one",
        CHANGES,
        "                if status := status_of(pending):\n",
        "                if status := status_of([]):\n",
        ("status over lines",),
    ),
    Guard(
        "a list whose tokens expire is taken whole",
        REFLECTOR,
        "                if not whole:  # one page then",
        "                if whole is None:  # one page then",
        ("tokens expire",),
    ),
    Guard(
        "a list of two moments says so",
        REFLECTOR,
        "            if moments > 1:\n",
        "            if moments < 0:\n",
        ("list of moments",),
    ),
    Guard(
        "a quiet kind keeps up with the store",
        REFLECTOR,
        "                self._reached(max(store or 0, version or 0), clock.monotonic_ns(), force=True)",
        "                pass",
        ("quiet",),
    ),
    Guard(
        "only the server's own end at its time proves that nothing was written",
        REFLECTOR,
        "if stream.complete and quiet and time.monotonic() - began >= self.timeouts.watch_seconds:",
        "if stream.complete and quiet:",
        ("hold and end",),
    ),
    Guard(
        "a line that can't be read doesn't stop its kind",
        CHANGES,
        "                pending.append(line)\n",
        "                raise\n",
        ("garbled line",),
    ),
    Guard(
        "a version that is no number doesn't stop its kind",
        CHANGES,
        "        int(meta.resourceVersion)\n",
        "",
        ("garbled line", "garbled item"),
    ),
    Guard(
        "a line that can't be read is named",
        REFLECTOR,
        "            self._left_out(change, at[1])\n            return\n",
        "            return\n",
        ("garbled line",),
    ),
    Guard(
        "an item of a list that can't be read is named",
        REFLECTOR,
        "                self._left_out(change, at[1], since)\n",
        "                pass\n",
        ("garbled item",),
    ),
    Guard(
        "objects without a uid are kept apart",
        "recording/row.py",
        '        return self.uid or f"{self.namespace}/{self.name}"',
        "        return self.uid",
        ("no uid",),
    ),
    Guard(
        "nothing is recorded twice",
        REFLECTOR,
        'if change.type != "BOOKMARK" and self.history.is_new(change):',
        'if change.type != "BOOKMARK":',
        ("duplicate", "replay and cut"),
    ),
    Guard(
        "a deletion is known when it comes again",
        HISTORY,
        "            return version > self._gone.get(change.meta.identity, -1)",
        "            return True",
        ("duplicate", "replay and cut"),
    ),
    # Logs.
    Guard(
        "a log that is cut isn't at its end",
        LOGS,
        "            return str(error) or CUT\n",
        '            return ""\n',
        ("log cut", "log rotated"),
    ),
    Guard(
        "a log that begins later than it had been read was rotated",
        LOGS,
        'self._gap(clock.monotonic_ns(), "it was opened anew, and begins later than it had been read")\n',
        "pass\n",
        ("log rotated",),
    ),
    Guard(
        "a log that had no line yet may have lost some",
        LOGS,
        "                self._gap(clock.monotonic_ns(), why)\n",
        "                del why\n",
        ("log cut before its first line",),
    ),
    Guard(
        "a log goes on after its last line",
        LOGS,
        "        known = self._last  # passed over",
        '        known = ""  # passed over',
        ("log cut", "long log"),
    ),
    Guard(
        "a restarted container's log is the run's before",
        LOGS,
        'self._query["previous"] = "true" if restarts == self.run + 1 else None',
        'self._query["previous"] = None',
        ("log restarted",),
    ),
    Guard(
        "a container that was restarted twice has lost its log",
        LOGS,
        "        if restarts > self.run + 1:\n",
        "        if restarts < 0:\n",
        ("log restarted twice",),
    ),
    Guard(
        "the kubelet's own trouble isn't a line of the container's",
        LOGS,
        "                    if not STAMP.match(line):\n",
        "                    if not line:\n",
        ("kubelet in trouble",),
    ),
    Guard(
        "a log whose end can't be reached has a gap",
        LOGS,
        "                self._gap(None, error)\n",
        "                pass\n",
        ("log of a Pod that went",),
    ),
    Guard(
        "a log that isn't answered now is asked for again",
        LOGS,
        "if isinstance(met, ServerError) and not passes(met):",
        "if isinstance(met, ServerError):",
        ("log refused",),
    ),
    # Late rows.
    Guard(
        "a row says that it is late",
        REFLECTOR,
        "self._take(change, at, judge.late_ns(change, at))",
        "self._take(change, at, 0)",
        ("late", "plain and late"),
    ),
    Guard(
        "what a list shows after a gap is late",
        REFLECTOR,
        "            late = 0 if first else max(at[1] - self._known_ns, 0)",
        "            late = 0",
        ("away for long",),
    ),
    Guard(
        "what the store had before a watch was opened anew is late",
        LATENESS,
        "        if self._store is not None and int(change.meta.resourceVersion) <= self._store:",
        "        if self._store is None:",
        ("away for long",),
    ),
    Guard(
        "what comes after a silence is as old as its stamps",
        LATENESS,
        "        return _late(min(at[1] - since, held_up + STAMP_NS)) if held_up >= LATE_NS else 0",
        "        return 0",
        ("late", "plain and late"),
    ),
    # Start-up.
    Guard(
        "what passes is asked for again",
        ANSWERS,
        "PASSING = frozenset({429, 500, 502, 503, 504})",
        "PASSING = frozenset({429})",
        ("busy at the start",),
    ),
    Guard(
        "a connection that was cut is made again",
        ANSWERS,
        "    return isinstance(error, ClusterError) and error.cut",
        "    return False",
        ("busy at the start",),
    ),
    Guard(
        "Retry-After is waited for",
        ANSWERS,
        "    if asked and str(asked).isdigit():",
        "    if asked == -1:",
        ("answer 429", "answer cut", "busy at the start"),
    ),
    Guard(
        "a watch asks again when the server said",
        REFLECTOR,
        "        return error.retry_after\n",
        "        return None\n",
        ("answer 429", "answer cut"),
    ),
    Guard(
        "a server in trouble isn't hurried",
        REFLECTOR,
        "                if self._failures and not self._stopping.is_set():",
        "                if self._failures < 0:",
        ("storm",),
    ),
    Guard(
        "an API that doesn't answer holds up no other",
        DISCOVERY,
        "        except ClusterError as error:\n            if group_version in BUILT_IN:\n                raise\n",
        "        except ClusterError as error:\n            raise\n",
        ("broken API",),
    ),
    Guard(
        "an API that refuses holds up no other",
        DISCOVERY,
        "                if group_version in BUILT_IN:\n                    raise\n                silent",
        "                raise\n                silent",
        ("broken API",),
    ),
    Guard(
        "a kind that was not served may have come since",
        DISCOVERY,
        "    if found is None and known:  # a kind may have come since",
        "    if found is None and not known:  # a kind may have come since",
        ("not served at first",),
    ),
    Guard(
        "a list that is asked for is waited for",
        RECORDER,
        "            if now == received and not any(each.asking_ns for each in missing()):",
        "            if now == received:",
        ("slow list",),
    ),
)


@dataclass
class Missed:
    """What came of taking a guard out.

    Parameters
    ----------
    guard : Guard
    noticed : str
        By which scenario, and what it said; empty if nobody noticed.
    tried : int
        How many scenarios were run.
    error : str
        Why it could not be tried.
    """

    guard: Guard
    noticed: str = ""
    tried: int = 0
    error: str = ""


def without(guard: Guard, place: Path) -> None:
    """Make a copy of kitlib from which a guard is taken out."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(CHECKOUT / "kitlib", place / "kitlib", ignore=shutil.ignore_patterns("__pycache__"))
    (place / "tests").symlink_to(CHECKOUT / "tests")
    file = place / "kitlib" / guard.file
    file.write_text(guard.taken_out(file.read_text()))


def tried(number: int, guard: Guard, name: str) -> Missed:
    """Run the scenarios that rely on a guard, in a process that has it taken out, until one fails."""
    place = PLACE / "guards" / str(number)
    missed = Missed(guard)
    try:
        without(guard, place)
        environment = {**os.environ, "PYTHONPATH": str(place), "FAULTS_REACH": "8"}
        order = json.dumps({"cluster": name, "numbers": guard.numbers(), "folder": str(place / "recordings")})
        command = [sys.executable, "-P", "-m", "tests.faults.guarded", order]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=SECONDS)
        told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        missed.tried = len(told)
        missed.noticed = next((f"{each['number']}: {each['said']}" for each in told if each["said"]), "")
        if done.returncode:
            missed.error = done.stderr[-600:]
    except subprocess.TimeoutExpired:
        missed.noticed = f"not over after {SECONDS} s"
    except ValueError as error:
        missed.error = str(error)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return missed


def take_out_each(name: str, workers: int, chosen: Iterable[int] = ()) -> list[Missed]:
    """Take each guard out once, several at a time; show how far it is.

    Parameters
    ----------
    name : str
        The cluster.
    workers : int
    chosen : iterable of int
        Places in the table; all if there are none.
    """
    from kitlib.progress import Progress

    found: list[Missed] = []
    wanted = list(chosen) or list(range(len(GUARDS)))
    with Progress(f"guards: {len(wanted)}", len(wanted)) as bar, ThreadPoolExecutor(workers) as pool:
        for missed in pool.map(lambda number: tried(number, GUARDS[number], name), wanted):
            found.append(missed)
            unnoticed = sum(not each.noticed for each in found)
            bar.update(f"{missed.guard.what}, {unnoticed} not noticed", len(found))
    return found


__all__ = ["GUARDS", "Guard", "Missed", "take_out_each", "without"]
