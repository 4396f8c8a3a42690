"""Policies put to the test: a namespace for each, the same Pod sent to several servers, and what they answer.

The fifteen fields of PodSecurityPolicy are `ROWS`. A folder holds for each of them the policy of 1.17 (psp.yaml),
today's (vap.yaml refuses, map.yaml writes), and two Pods (pods.yaml). A `PolicySuite` applies them to a cluster, each
in a namespace of its own, and asks; `PolicySuites` are those of several versions side by side; `grid` makes Pods in
which all fifteen fields are crossed.

    suites = PolicySuites(kitlib.labs("security", "1.17-psp", "1.37"), "manifests/security")
    suites.apply()
    claim("A privileged Pod is refused", each(suites, lambda suite: suite.does("privileged")), source="…")
"""

from kitlib.lessons.admission import again, serves
from kitlib.lessons.policies.dryrun import PodAnswer, answers, ask, brief, pod, settings, verdicts, written
from kitlib.lessons.policies.generated import grid
from kitlib.lessons.policies.pod_security import (
    audited,
    cross,
    exempted,
    limited,
    limits,
    noted,
    refused_plugin,
    turns,
)
from kitlib.lessons.policies.removal import remove
from kitlib.lessons.policies.rows import ALL, LEVEL, POD_SECURITY, ROWS, USER
from kitlib.lessons.policies.runtime_checks import inside, with_containers
from kitlib.lessons.policies.suite import PolicySuite
from kitlib.lessons.policies.suites import PolicySuites, covered

__all__ = [
    "ALL",
    "LEVEL",
    "POD_SECURITY",
    "ROWS",
    "USER",
    "PolicySuites",
    "PolicySuite",
    "PodAnswer",
    "again",
    "answers",
    "ask",
    "audited",
    "brief",
    "covered",
    "cross",
    "exempted",
    "grid",
    "inside",
    "limited",
    "limits",
    "noted",
    "pod",
    "refused_plugin",
    "remove",
    "serves",
    "settings",
    "turns",
    "verdicts",
    "with_containers",
    "written",
]
