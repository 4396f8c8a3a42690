"""Guards of the start: what passes is waited for, and what is broken holds up nothing else."""

from __future__ import annotations

from tests.faults.guards.guard import ANSWERS, DISCOVERY, RECORDER, REFLECTOR, Guard

START = (
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
