"""Guards of what ends: no stream does so without a word."""

from __future__ import annotations

from tests.faults.guards.guard import ANSWERS, COVERAGE, LIFE, RECORDER, REFLECTOR, Guard

ENDS = (
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
        "        if known < now:\n",
        "        if known < now and self.ended:\n",
        ("dead and killed", "kill the recorder"),
    ),
    Guard(
        "a stream that was silent at its end, and has everything, is covered up to it",
        RECORDER,
        "        self._prove(ended_ns)\n",
        "",
        ("silent at the end",),
    ),
    Guard(
        "a stream that is behind at its end isn't covered up to it",
        RECORDER,
        '                reflector.unproven("at its end the server had more than had come")\n',
        "                pass\n",
        ("dead at the end",),
    ),
    Guard(
        "a stream says that it was followed to its end",
        RECORDER,
        "                reflector.end(ended_ns)\n",
        "                pass\n",
        ("silent at the end", "cut fin"),
    ),
    Guard(
        "who was cut off at the end has a gap",
        LIFE,
        "if self._down_ns is not None and max(self._down_ns, self._known_ns) < at_ns and not self._open:",
        "if self._down_ns == 0:",
        ("thread dies",),
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
)
