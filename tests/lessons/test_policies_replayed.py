"""What a suite of policies asks beside the server is kept in its lab's recording; a replayed suite finds it there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kitlib import cluster as clusters
from kitlib.errors import ClusterError, NotKept, UsageError
from kitlib.lab.keeping import Keeper
from kitlib.lab.replay.kept import Kept
from kitlib.lab.verbs import Verbs
from kitlib.lessons import policies
from kitlib.lessons.policies import PolicySuite, pod_security
from kitlib.recording import Recording


class Lab:
    """Has the one word of a lab's that a suite says."""

    base = Path()
    answer_of = Verbs.answer_of

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper
        self.cluster = SimpleNamespace(home=Path("home"))


def unserved(name: str, group_version: str | None = None) -> None:
    raise UsageError(f"this API server serves no kind {name!r}")


def suite(keeper: Any, folder: Path) -> PolicySuite:
    return PolicySuite(SimpleNamespace(discover=unserved), folder, ["privileged"], Lab(keeper))  # type: ignore[arg-type]


@pytest.fixture
def live(tmp_path: Path) -> PolicySuite:
    (tmp_path / "privileged").mkdir()
    (tmp_path / "privileged" / "vap.yaml").write_text("kind: ValidatingAdmissionPolicy\n")
    return suite(Keeper(Recording.create(tmp_path / "rec", {"answers": True})), tmp_path)


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have a suite's method, or a function, return this; without a value it must not be called."""

    def does(where: Any, name: str, *values: Any) -> None:
        left = iter(values)
        monkeypatch.setattr(where, name, lambda *_, **__: next(left))

    return does


def replayed(live: PolicySuite) -> PolicySuite:
    recording = live.lab._keeper._recording
    recording.close()
    return suite(Kept(Recording.open(recording.path)), live.folder)


def test_namespaces_are_those_that_were_recorded(live, does):
    does(PolicySuite, "_space", "first", "second", "third")
    ways = [{"enforce": "baseline"}, {"enforce": "baseline"}, {"may_use": ["a"]}]
    assert [live.space(**way) for way in ways] == ["first", "second", "third"]
    again = replayed(live)
    does(PolicySuite, "_space")
    assert [again.space(**way) for way in ways] == ["first", "second", "third"]
    assert [*again.spaces.values()] == ["first", "second", "third"], "they go when it is closed"
    with pytest.raises(NotKept):
        again.space(enforce="restricted")


def test_policies_are_applied_in_the_namespaces_that_were_recorded(live, does):
    does(PolicySuite, "_apply", [("privileged", "enforce", "first")])
    live.apply()
    again = replayed(live)
    does(PolicySuite, "_apply")
    again.apply()
    assert again.spaces == live.spaces == {("privileged", "enforce"): "first"}


def test_another_policy_is_not_what_was_recorded(live, does):
    does(PolicySuite, "_apply", [("privileged", "enforce", "first")])
    live.apply()
    again = replayed(live)
    does(PolicySuite, "_apply")
    (live.folder / "privileged" / "vap.yaml").write_text("kind: ValidatingAdmissionPolicy\nspec: {}\n")
    with pytest.raises(NotKept):
        again.apply()


def test_a_counter_and_the_audit_log_are_kept_by_what_was_wanted_of_them(live, does):
    does(PolicySuite, "_count", 1.0, 3.0)
    does(pod_security, "_annotations", {"violation": "privileged"})
    before = [policies.audited(live), policies.audited(live), policies.noted(live, "space", "web")]
    again = replayed(live)
    does(PolicySuite, "_count")
    does(pod_security, "_annotations")
    assert [policies.audited(again), policies.audited(again), policies.noted(again, "space", "web")] == before
    assert before == [1.0, 3.0, {"violation": "privileged"}]
    with pytest.raises(NotKept):
        policies.limits(again, "audit")
    with pytest.raises(NotKept):
        policies.noted(again, "space", "other")


def test_without_containers_the_same_reason_is_told_again(live, does):
    does(clusters, "clusters", [])
    before = policies.with_containers(live.lab)
    again = replayed(live)
    does(clusters, "clusters")
    after = policies.with_containers(again.lab)
    assert isinstance(before, ClusterError) and isinstance(after, ClusterError)
    assert (before.message, before.next) == (after.message, after.next)
