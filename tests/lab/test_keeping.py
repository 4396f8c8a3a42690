"""What a lab's words came to is kept in its recording, and a replayed lab finds it there."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kitlib.api.diff import Change
from kitlib.errors import NotKept, ServerError
from kitlib.lab.display import Changes, display
from kitlib.lab.keeping import KIND, Keeper, body_of, kept, question, request_of
from kitlib.lab.replay.kept import Answers, Kept
from kitlib.lessons.entry import secret
from kitlib.recording import Recording

INFO = {"answers": True, "namespace": "here"}
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: 'a:1'}]}\n"


class Words:
    """Has a few words, and notes when one is really said."""

    namespace = "here"

    def __init__(self, keeper: Any, base: Path) -> None:
        self._keeper, self.base, self.said = keeper, base, 0

    @kept
    def get(self, ref: str) -> dict[str, Any]:
        self.said += 1
        return {"kind": "Pod", "metadata": {"name": ref, "turn": self.said}}

    @kept
    def secret(self) -> dict[str, Any]:
        return {"items": [{"kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "c2VjcmV0"}}]}

    @kept
    def apply(self, source: Any) -> Changes:
        display("pod/web created", "<b>pod/web</b> created")
        return Changes([Change("pod/web", "created", [("spec.replicas", 1, 2)], "kubectl apply")])

    @kept
    def logs(self, pod: str) -> pd.DataFrame:
        return pd.DataFrame([{"text": "one"}, {"text": "two"}])

    @kept
    def ask(self, pod: str) -> Any:
        raise ServerError("there is none", step="ask", object=pod, status={"code": 404})

    @kept
    def twice(self, ref: str) -> list[Any]:
        return [self.get(ref), self.get(ref)]


@pytest.fixture
def live(tmp_path: Path) -> Words:
    (tmp_path / "web.yaml").write_text(POD)
    recording = Recording.create(tmp_path / "rec", INFO)
    recording.mark("STEP", "one", edge="begin", id="1")
    return Words(Keeper(recording), tmp_path)


def replayed(live: Words) -> Words:
    """Close a recording, and return the same words on it."""
    recording = live._keeper._recording
    recording.close()
    again = Words(Kept(Recording.open(recording.path)), live.base)
    again._keeper.position.enter("one")
    return again


def test_a_value_comes_out_again_and_nobody_is_asked(live):
    first, second, other = live.get("pod/web"), live.get("pod/web"), live.get("pod/other")
    again = replayed(live)
    assert (again.get("pod/web"), again.get("pod/web"), again.get("pod/other")) == (first, second, other)
    assert again.said == 0


def test_changes_come_out_as_they_were_and_are_shown_again(live, capsys):
    made = live.apply("web.yaml")
    capsys.readouterr()
    again = replayed(live)
    assert again.apply("web.yaml") == made
    assert capsys.readouterr().out == "pod/web created\n"


def test_a_table_and_an_error_come_out_as_they_were(live):
    table = live.logs("web")
    with pytest.raises(ServerError):
        live.ask("web")
    again = replayed(live)
    pd.testing.assert_frame_equal(again.logs("web"), table)
    with pytest.raises(ServerError, match="there is none") as error:
        again.ask("web")
    assert error.value.status == {"code": 404}


def test_only_the_outer_word_and_only_the_labs_own_thread(live):
    live.twice("pod/web")
    thread = threading.Thread(target=live.get, args=("pod/web",))
    thread.start()
    thread.join()
    kept_words = [row.name for row in live._keeper._recording.rows if row.kind == KIND]
    assert kept_words == ["twice"]


def test_nothing_is_kept_after_the_end(live):
    live._keeper.end()
    live.get("pod/web")
    assert [row for row in live._keeper._recording.rows if row.kind == KIND] == []


def test_a_secret_never_reaches_the_disk(live):
    live.secret()
    again = replayed(live)
    files = list((live.base / "rec").rglob("*.parquet"))
    assert files
    assert not any(b"c2VjcmV0" in path.read_bytes() for path in files)
    rows = [json.loads(row.object) for row in Recording.open(live.base / "rec").rows if row.kind == KIND]
    assert rows[0]["value"]["items"][0]["data"] == {"key": "redacted"}
    assert again.secret() == rows[0]["value"]


def test_what_was_never_asked_is_not_known(live):
    live.logs("web")
    again = replayed(live)
    with pytest.raises(NotKept, match="logs other"):
        again.logs("other")
    assert len(again.logs("web")) == 2, "one question more changes nothing"


def test_another_manifest_ends_what_is_known(live):
    live.apply("web.yaml")
    live.logs("web")
    again = replayed(live)
    (live.base / "web.yaml").write_text(POD.replace("a:1", "a:2"))
    for word, what in ((again.apply, "web.yaml"), (again.logs, "web")):
        with pytest.raises(NotKept, match=r"apply web\.yaml"):
            word(what)


def test_a_comment_more_is_the_same_manifest(live):
    made = live.apply("web.yaml")
    again = replayed(live)
    (live.base / "web.yaml").write_text(f"# what runs\n{POD}")
    assert again.apply("web.yaml") == made


def test_the_time_of_day_makes_no_other_manifest(live):
    live.apply({"kind": "Event", "metadata": {"name": "a"}, "eventTime": "2026-11-30T01:00:00.5Z"})
    again = replayed(live)
    again.apply({"kind": "Event", "metadata": {"name": "a"}, "eventTime": "2027-01-01T02:00:00.7Z"})
    with pytest.raises(NotKept):
        again.apply({"kind": "Event", "metadata": {"name": "b"}, "eventTime": "2026-11-30T01:00:00.5Z"})


def test_the_values_of_a_secret_make_no_other_manifest_but_its_keys_do(tmp_path):
    keys = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {%s: %s}\n"
    for made in (lambda key, value: keys % (key, value), lambda key, value: secret("keys", {key: value})):
        asked = question((made("ada", "one"),), {}, tmp_path)
        assert asked == question((made("ada", "two"),), {}, tmp_path)
        assert asked != question((made("bob", "one"),), {}, tmp_path)


def test_a_question_of_another_step_has_no_answer(live):
    live.get("pod/web")
    recording = live._keeper._recording
    recording.mark("STEP", "one", edge="end", id="1")
    recording.mark("STEP", "two", edge="begin", id="2")
    live.logs("web")
    recording.mark("STEP", "two", edge="end", id="2")
    again = replayed(live)
    with pytest.raises(NotKept):
        again.logs("web")
    again._keeper.position.enter("two")
    assert len(again.logs("web")) == 2


def test_a_step_that_is_run_again_gives_the_same_answers(live):
    first, second = live.get("pod/web"), live.get("pod/web")
    live._keeper._recording.mark("STEP", "one", edge="end", id="1")
    again = replayed(live)
    for _ in range(2):
        begin, _ = again._keeper.position.enter("one")
        assert [again.get("pod/web"), again.get("pod/web")] == [first, second]
        again._keeper.position.leave(begin)


def test_paths_that_were_asked_for(live):
    answers = {"/api/v1/nodes": b'{"items": []}', "/metrics": b"count 1\n"}
    for path, body in answers.items():
        live._keeper.asked("GET", request_of(path, {"limit": "1"}, None), lambda body=body: body, body_of)
    connection = Answers(replayed(live)._keeper)
    assert connection.get("/api/v1/nodes", {"limit": "1"}) == {"items": []}
    assert connection.request("GET", "/metrics", {"limit": "1"}, accept="*/*") == b"count 1\n"
    for path, query in (("/api/v1/nodes", None), ("/version", {"limit": "1"})):
        with pytest.raises(NotKept):
            connection.get(path, query)
    with pytest.raises(NotKept, match="DELETE"):
        connection.request("DELETE", "/api/v1/nodes", {"limit": "1"})
    with pytest.raises(NotKept, match="DELETE"):
        connection.get("/api/v1/nodes", {"limit": "1"})
