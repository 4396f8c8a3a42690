"""What `verify` found as JUnit XML, which CI servers show: a suite for each controller, a case for each promise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from kitlib.rollout import Verified

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold."""
AGREES = "its status agrees with what is there"
"""The case that a contradiction fails."""


def document(recording: str, found: Verified) -> str:
    """Return the result as one XML document.

    Parameters
    ----------
    recording : str
        What the whole is called.
    found : Verified
        What was found. Broken promises and contradictions are failures; what can't be told is skipped, with the reason.
    """
    root = ElementTree.Element("testsuites", name=_fit(f"kitlib verify {recording}"))
    totals = {"tests": 0, "failures": 0, "skipped": 0}
    for each in found.as_dict()["objects"]:
        counts = _suite(root, each)
        totals = {key: totals[key] + counts[key] for key in totals}
    for key, number in totals.items():
        root.set(key, str(number))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}'


def _suite(root: ElementTree.Element, about: dict[str, Any]) -> dict[str, int]:
    name = f"{about['kind'].lower()}/{about['namespace']}/{about['name']}"
    suite = ElementTree.SubElement(root, "testsuite", name=_fit(name), id=_fit(about["uid"]))
    counts = {"tests": 0, "failures": 0, "skipped": 0}

    def case(text: str, failures: list[str], skipped: str = "") -> None:
        made = ElementTree.SubElement(suite, "testcase", classname=_fit(name), name=_fit(text))
        counts["tests"] += 1
        if failures:
            counts["failures"] += 1
            ElementTree.SubElement(made, "failure", message=_fit(failures[0])).text = _fit("\n".join(failures))
        elif skipped:
            counts["skipped"] += 1
            ElementTree.SubElement(made, "skipped", message=_fit(skipped))

    for promise in about["promises"]:
        case(f"{promise['promise']}: {promise['text']}", [_said(line) for line in promise["breaches"]], promise["why"])
    if about["contradictions"]:
        case(AGREES, [_said(line) for line in about["contradictions"]])
    for key, number in counts.items():
        suite.set(key, str(number))
    return counts


def _said(line: dict[str, Any]) -> str:
    what = f"{line['object']}: {line['text']}" if line.get("object") else line["text"]
    by = f"; by {line['by']}" if line.get("by") else ""
    return f"at {line['seconds']:.1f} s ({line['at']}, resourceVersion {line['resourceVersion']}): {what}{by}"


def _fit(text: str) -> str:
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


__all__ = ["AGREES", "FORBIDDEN", "document"]
