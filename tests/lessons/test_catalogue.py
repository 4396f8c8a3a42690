"""Lessons test every line of their sections of the catalogue, and expect what is known of each.

`LINES` of a lesson's tests maps a line to the claims that test it, `WRONG` a claim to a verdict that isn't "holds".
"""

from __future__ import annotations

import pytest

from tests.lessons import (
    test_cluster_api,
    test_controllers,
    test_cronjob,
    test_daemonset,
    test_dns,
    test_events,
    test_external_dns,
    test_ingress,
    test_job,
    test_kong,
    test_kube_vip,
    test_lifecycle,
    test_nginx,
    test_statefulset,
    test_traefik,
    test_why,
)
from tests.lessons.replay import expectations

LESSONS = {
    "cluster-api": test_cluster_api,
    "controllers": test_controllers,
    "cronjob": test_cronjob,
    "daemonset": test_daemonset,
    "dns": test_dns,
    "events": test_events,
    "external-dns": test_external_dns,
    "ingress": test_ingress,
    "job": test_job,
    "kong": test_kong,
    "kube-vip": test_kube_vip,
    "lifecycle": test_lifecycle,
    "nginx": test_nginx,
    "statefulset": test_statefulset,
    "traefik": test_traefik,
    "why": test_why,
}


@pytest.mark.parametrize("name", LESSONS)
def test_every_line_of_the_catalogue_is_tested(name):
    listed = [text for texts in LESSONS[name].LINES.values() for text in texts]
    assert len(listed) == len(set(listed))
    assert sorted(expectations(name)) == sorted(listed)


@pytest.mark.parametrize("name", LESSONS)
def test_what_is_wrong_is_expected_to_be(name):
    found = {text: expected for text, expected in expectations(name).items() if expected != "holds"}
    assert found == LESSONS[name].WRONG
