"""What the note says, and the claims that test it: none is missing, none is made up, and each speaks as is said."""

from __future__ import annotations

import html
import json
import re
from functools import cache

import pytest

from kitlib.site import note
from tests.conftest import CHECKOUT

NOTEBOOKS = CHECKOUT / "notebooks"
SECTIONS = note.read(NOTEBOOKS / "note")
SENTENCES = [sentence for section in SECTIONS for sentence in section.sentences]
CLAIM = re.compile(
    r"<div class='kitlib-claim kitlib-(\w+)'.*?<span class='kitlib-text'>(.*?)</span>.*?"
    r"<span class='kitlib-source'> (.*?)</span>",
    re.DOTALL,
)
WRONG = {
    "Pod": {
        "The failure of a node deletes its Pods": "fails",
        "The failure of the scheduler deletes a Pod": "fails",
        "What runs there are the Pods of the failed node, moved over": "fails",
    },
    "Pod security policy": {
        "PodSecurityPolicy is a resource of the cluster, which admits the Pods that meet its conditions": "changed",
        "A setting that is a yes or a no is as strict as can be if nobody sets it": "fails",
    },
    "Pod lifecycle, probes": {
        "Unknown is the phase of a Pod whose node can't be reached": "fails",
        "Its conditions are PodScheduled, Initialized, ContainersReady, Ready and Unschedulable": "fails",
        "There are no other types of condition than these five": "fails",
        "There is no fourth handler of probes": "fails",
        "Probes are of two kinds: for liveness and for readiness": "fails",
        "Its address is taken out of their endpoints": "fails",
    },
    "Hook": {
        "Hooks are of these two kinds alone": "fails",
        "Until postStart is done the kubelet doesn't let the application start": "fails",
        "A container whose preStop hook fails is ended for that": "fails",
        "kubectl describe is the one place to look": "fails",
    },
    "Preset": {
        "PodPreset is a resource of the API, with an admission plugin of that name": "changed",
        "Fourth: where that fails nothing at all is injected": "changed",
        "Fourth: an Event about the Pod tells of the failure": "fails",
    },
    "Static Pods": {
        "The kubelet has no way to check the health of one": "fails",
        "The kubelet looks into the folder again and again": "fails",
    },
    "StatefulSet": {
        "Storage is there wherever the Pod comes to be": "fails",
        "Init containers see to that order": "fails",
        "Pods go in reverse order when it is deleted": "fails",
    },
    "DaemonSet": {
        "Every node runs a Pod of it": "fails",
        "What it must have is apiVersion, kind and metadata": "fails",
    },
    "Job": {
        "activeDeadlineSeconds is a limit for such tries": "fails",
        "A bare Pod doesn't start again with its node": "fails",
    },
    "CronJob": {
        "A start that missed its deadline is a Job that failed": "fails",
        "kubectl run can make one": "changed",
    },
    "Ingress": {"An Ingress is the way in from outside": "fails", "It passes requests on to Services": "fails"},
    "Nginx Ingress Controller": {
        "It keeps nginx' configuration in a ConfigMap": "fails",
        "A weight of 100 sends everybody to the canary": "fails",
        "There are four rules for a canary": "fails",
    },
    "Kube-DNS": {"A heading without a sentence: the cluster's DNS is Kube-DNS": "fails"},
}
"""What the note has wrong, or what has changed since, by section."""
MEASURED = {"Traefik is slower than ingress-nginx", "Traefik is the simpler one to set up"}
"""What a machine's own speed decides."""


@cache
def made(lesson: str) -> dict[str, dict[str, str]]:
    """Return a lesson's claims as its committed outputs show them: text → source and verdict."""
    cells = json.loads((NOTEBOOKS / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = ["".join(out.get("data", {}).get("text/html", "")) for cell in cells for out in cell.get("outputs", ())]
    return {
        html.unescape(text): {"source": html.unescape(source), "verdict": verdict}
        for verdict, text, source in CLAIM.findall("\n".join(shown))
    }


def lessons() -> list[str]:
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def test_the_notes_twenty_sections_are_there_in_its_order():
    assert [section.name for section in SECTIONS] == [
        "Pod",
        "Pod security policy",
        "Pod lifecycle, probes",
        "Hook",
        "Preset",
        "Static Pods",
        "Controllers",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Events",
        "Ingress",
        "Nginx Ingress Controller",
        "Traefik Ingress Controller",
        "Kong's Ingress controller",
        "kube-vip",
        "external-dns",
        "Kube-DNS",
    ]


def test_each_sentence_has_a_claim_or_a_reason_why_not():
    said = [sentence.says for sentence in SENTENCES]
    assert len(said) == len(set(said))
    for sentence in SENTENCES:
        tested = bool(sentence.claims or sentence.contrary)
        assert tested != bool(sentence.untested) and tested <= bool(sentence.lesson), sentence.says
        assert not set(sentence.claims) & set(sentence.contrary), sentence.says


@pytest.mark.parametrize("lesson", sorted({sentence.lesson for sentence in SENTENCES} - {""}))
def test_each_claim_that_is_named_is_made(lesson):
    named = {text for each in SENTENCES if each.lesson == lesson for text in (*each.claims, *each.contrary)}
    assert named - set(made(lesson)) == set()


@pytest.mark.parametrize("lesson", lessons())
def test_each_claim_whose_source_is_the_note_is_named(lesson):
    assert made(lesson)
    named = {text for each in SENTENCES if each.lesson == lesson for text in (*each.claims, *each.contrary)}
    assert {text for text, claim in made(lesson).items() if claim["source"].startswith("note:")} - named == set()


def test_what_is_wrong_or_has_changed_is_known():
    claims = [
        {"notebook": lesson, "id": text, "text": text, "verdict": claim["verdict"]}
        for lesson in lessons()
        for text, claim in made(lesson).items()
    ]
    found = {
        row["section"]: {
            each["says"]: each["state"]
            for each in row["sentences"]
            if each["state"] in ("fails", "changed") and each["says"] not in MEASURED
        }
        for row in note.rows(SECTIONS, claims)
    }
    assert {section: wrong for section, wrong in found.items() if wrong} == WRONG
