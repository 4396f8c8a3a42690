"""What admission answers: what was written is told from what the server fills in, and waiting ends."""

from __future__ import annotations

from typing import Any

import pytest

from kitlib.api.transport import Connection
from kitlib.cluster import namespaces
from kitlib.errors import UsageError, WaitTimeout
from kitlib.lessons.admission import Answer, again, ask, serves, stored, without_defaults


def pod(**spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "web"}, "spec": spec}


def test_a_default_is_left_out_and_what_was_sent_stays_even_if_it_is_the_default():
    sent = pod(dnsPolicy="ClusterFirst")
    full = pod(dnsPolicy="ClusterFirst", restartPolicy="Always")
    assert without_defaults(sent, full, full) == sent
    assert without_defaults(pod(), full, full) == pod()


def test_what_a_policy_changed_is_seen_also_in_a_default():
    full, changed = pod(restartPolicy="Always"), pod(restartPolicy="Never")
    assert without_defaults(pod(), full, changed)["spec"] == {"restartPolicy": "Never"}


def test_what_a_policy_took_away_is_gone():
    sent = pod(hostname="web", containers=[{"name": "web", "env": [{"name": "A"}]}])
    less = pod(containers=[{"name": "web", "imagePullPolicy": "Always"}])
    bare = pod(hostname="web", containers=[{"name": "web", "imagePullPolicy": "Always", "env": [{"name": "A"}]}])
    assert without_defaults(sent, bare, less)["spec"] == {"containers": [{"name": "web"}]}


def test_items_are_told_apart_by_name_where_it_is_the_only_one():
    sent = pod(containers=[{"name": "a"}, {"name": "b"}])
    bare = pod(containers=[{"name": "a", "tty": False}, {"name": "b", "tty": False}])
    swapped = pod(containers=[{"name": "b", "tty": False}, {"name": "a", "tty": False}])
    assert without_defaults(sent, bare, swapped)["spec"]["containers"] == [{"name": "b"}, {"name": "a"}]
    twice = pod(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])
    third = pod(env=[*twice["spec"]["env"], {"name": "A", "value": "3"}])
    assert without_defaults(twice, twice, third) == third


def test_what_differs_whenever_an_object_is_made_is_left_out():
    one = {
        "kind": "Pod",
        "metadata": {"name": "web", "uid": "1", "resourceVersion": "7"},
        "status": {"phase": "Pending"},
    }
    assert without_defaults({"kind": "Pod", "metadata": {"name": "web"}}, one, one) == {
        "kind": "Pod",
        "metadata": {"name": "web"},
    }


def test_asking_again_ends_with_the_first_right_answer_or_in_time():
    heard = iter([Answer("admitted"), Answer("refused", "not so"), Answer("invalid")])
    assert again(lambda: next(heard), lambda answer: answer.verdict == "refused", "refused").said == "not so"
    with pytest.raises(WaitTimeout, match="the server says refused: because"):
        again(lambda: Answer("refused", "because"), lambda answer: answer.admitted, "admitted", timeout=0)


@pytest.mark.live
def test_a_dry_run_asks_all_and_keeps_nothing(connection: Connection):
    space = namespaces.create(connection, "test-admission")
    try:
        good = {"apiVersion": "v1", **pod(containers=[{"name": "web", "image": "web:1.0"}])}
        answer = ask(connection, good, space)
        assert answer.admitted and answer.stored["spec"]["restartPolicy"] == "Always"
        assert connection.get(f"/api/v1/namespaces/{space}/pods")["items"] == []
        assert "restartPolicy" not in stored(connection, good, space)["spec"]
        assert ask(connection, good, space, user="nobody").verdict == "refused"
        bad = {**good, "metadata": {"name": "A"}}
        assert ask(connection, bad, space).verdict == "invalid"
        with pytest.raises(UsageError, match="Pod A") as caught:
            stored(connection, bad, space)
        assert caught.value.next
    finally:
        namespaces.delete(connection, space, timeout=None)


@pytest.mark.live
def test_a_kind_is_served_in_a_version_or_not(connection: Connection):
    assert serves(connection, "Deployment") and serves(connection, "Deployment", "apps/v1")
    assert not serves(connection, "Deployment", "extensions/v1beta1") and not serves(connection, "NoSuchKind")
