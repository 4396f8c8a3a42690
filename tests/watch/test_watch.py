"""The recorder on a real API server: everything once, resumed, listed again with a gap that says so."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from pathlib import Path

import pytest

from kitlib.api.transport import Connection, server_error
from kitlib.errors import RecordingError, ServerError
from kitlib.recording import Recording
from kitlib.watch import Recorder, Reflector, Timeouts, snapshot

pytestmark = pytest.mark.live


def config_map(connection: Connection, namespace: str, name: str, method: str = "POST", value: str = "1") -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps" + ("" if method == "POST" else f"/{name}")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
    connection.request(method, path, body=None if method == "DELETE" else body)


def changes(recording: Recording, prefix: str = "c") -> list[tuple[str, str, str]]:
    return [(row.name, row.type, row.origin) for row in recording.rows if row.name.startswith(prefix)]


def test_every_change_is_recorded_once_and_in_order(connection: Connection, namespace: str) -> None:
    config_map(connection, namespace, "c-before")
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        config_map(connection, namespace, "c-new")
        config_map(connection, namespace, "c-new", "PUT", "2")
        config_map(connection, namespace, "c-new", "DELETE")
        recorder.catch_up()
    assert changes(recorder.recording) == [
        ("c-before", "ADDED", "list"),
        ("c-new", "ADDED", "watch"),
        ("c-new", "MODIFIED", "watch"),
        ("c-new", "DELETED", "watch"),
    ]
    assert recorder.counts()["gaps"] == 0


def test_a_kind_more_is_recorded_from_then_on(connection: Connection, namespace: str) -> None:
    config_map(connection, namespace, "c-before")
    with Recorder(connection, ["pods"], namespace=namespace) as recorder:
        config_map(connection, namespace, "c-unseen")
        config_map(connection, namespace, "c-unseen", "DELETE")
        recorder.follow("configmaps")
        recorder.follow("pods")
        config_map(connection, namespace, "c-new")
        recorder.catch_up()
    assert changes(recorder.recording) == [("c-before", "ADDED", "list"), ("c-new", "ADDED", "watch")]
    assert sorted(recorder.plurals) == ["configmaps", "pods"] and recorder.recording.complete


def test_a_watch_that_is_cut_goes_on_where_it_was(connection: Connection, namespace: str) -> None:
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        for number in range(10):
            config_map(connection, namespace, f"c-{number}")
            stream = recorder.wait_for(lambda: recorder._reflectors["configmaps"]._open_stream, 5)
            stream.close()
        recorder.catch_up()
    names = [name for name, _, _ in changes(recorder.recording)]
    assert names == [f"c-{number}" for number in range(10)]
    assert recorder.counts()["gaps"] == 0


def test_a_relist_writes_its_gap_first_and_only_what_changed(connection: Connection, namespace: str) -> None:
    for name in ("c-stays", "c-changes", "c-goes"):
        config_map(connection, namespace, name)
    recording = Recording()
    item = connection.discover("configmaps")
    follower = Reflector(connection, item, recording, namespace, Timeouts(), threading.Event(), lambda: None)
    follower.list_now()
    first = follower.version
    config_map(connection, namespace, "c-changes", "PUT", "2")
    config_map(connection, namespace, "c-goes", "DELETE")
    config_map(connection, namespace, "c-comes")
    before = len(recording)
    follower._forgotten = "410: history is gone"
    follower.list_now()
    rows = recording.rows[before:]
    assert rows[0].type == "GAP"
    said = json.loads(rows[0].object)
    assert said["reason"] == "410: history is gone"
    assert (said["after_rv"], said["until_rv"]) == (str(first), str(follower.version)) and first < follower.version
    assert sorted((row.name, row.type, row.origin) for row in rows[1:] if row.origin != "kitlib") == [
        ("c-changes", "MODIFIED", "relist"),
        ("c-comes", "ADDED", "relist"),
        ("c-goes", "DELETED", "relist"),
    ]
    assert follower.gaps == 1


def test_objects_are_the_bytes_that_the_server_sent(connection: Connection, namespace: str) -> None:
    config_map(connection, namespace, "c-raw")
    with Recorder(connection, ["configmaps"], namespace=namespace) as recorder:
        pass
    kept = next(row.object for row in recorder.recording.rows if row.name == "c-raw")
    page = connection.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    assert kept in page


def test_a_kind_that_vanishes_or_is_forbidden_is_reported_and_the_rest_goes_on(
    connection: Connection, namespace: str
) -> None:
    recorder = Recorder(connection, ["configmaps", "componentstatuses"], namespace=namespace)
    with recorder:  # componentstatuses can be listed but not watched
        config_map(connection, namespace, "c-goes-on")
        assert recorder.wait_for(lambda: "componentstatuses" in recorder.problems, 10)
        recorder.catch_up()
    assert ("c-goes-on", "ADDED", "watch") in changes(recorder.recording)


def test_a_full_disk_ends_the_recording_with_what_it_has(
    connection: Connection, namespace: str, small_disk: Path
) -> None:
    recording = Recording.create(small_disk / "r")
    (small_disk / "ballast").write_bytes(b"x" * (1024 * 1024 - 24 * 1024))
    recorder = Recorder(connection, ["configmaps"], recording, namespace).start()
    try:
        with pytest.raises(RecordingError, match="free some space"):
            for number in range(40):
                config_map(connection, namespace, f"c-{number}", value=os.urandom(10000).hex())
                recorder.wait_for(lambda: False, 0.1)
    finally:
        (small_disk / "ballast").unlink()
        recorder.stop()


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "lamps.kitlib.test"},
    "spec": {
        "group": "kitlib.test",
        "scope": "Namespaced",
        "names": {"plural": "lamps", "singular": "lamp", "kind": "Lamp"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def test_a_kind_that_goes_with_its_crd_is_told_and_comes_back(connection: Connection, namespace: str) -> None:
    served_at = f"/apis/kitlib.test/v1/namespaces/{namespace}/lamps"
    lamp = {"apiVersion": "kitlib.test/v1", "kind": "Lamp", "metadata": {"name": "c-lamp"}}
    patience = Timeouts(watch_seconds=2, silent_seconds=4, refused_seconds=0.3)
    with Recorder(connection, ["customresourcedefinitions"]) as definitions:

        def serve() -> None:
            """Define the kind, and make one as soon as it is served, which is a moment after it says so."""
            connection.request("POST", CRDS, body=CRD)
            assert definitions.wait_for(lambda: "True" in _established(definitions), 20)
            deadline = time.monotonic() + 20
            while True:
                try:
                    connection.request("POST", served_at, body=lamp)
                    return
                except ServerError as error:
                    assert error.status["code"] == 404 and time.monotonic() < deadline
                definitions.wait_for(lambda: False, 0.05)

        serve()
        try:
            connection._resources.pop("kitlib.test/v1", None)
            with Recorder(connection, ["lamps.kitlib.test", "configmaps"], None, namespace, patience) as recorder:
                connection.request("DELETE", f"{CRDS}/lamps.kitlib.test")
                assert recorder.wait_for(lambda: "lamps" in recorder.problems, 30)
                config_map(connection, namespace, "c-goes-on")
                recorder.catch_up()
                assert definitions.wait_for(lambda: not _established(definitions), 20)
                serve()
                assert recorder.wait_for(lambda: "lamps" not in recorder.problems, 30)
                assert recorder.wait_for(
                    lambda: len([c for c in changes(recorder.recording) if c[0] == "c-lamp"]) > 2, 30
                )
            seen = changes(recorder.recording)
            assert ("c-goes-on", "ADDED", "watch") in seen
            assert [change[:2] for change in seen if change[0] == "c-lamp"] == [
                ("c-lamp", "ADDED"),
                ("c-lamp", "DELETED"),
                ("c-lamp", "ADDED"),
            ]
            assert set(recorder.recording.frames.gaps["stream"]) <= {"lamps"}
        finally:
            connection.request("DELETE", f"{CRDS}/lamps.kitlib.test")


def _established(recorder: Recorder) -> list[str]:
    lamps = [each for each in recorder.latest("customresourcedefinitions") if each["spec"]["group"] == "kitlib.test"]
    conditions = [each for item in lamps for each in (item.get("status") or {}).get("conditions") or ()]
    return [each["status"] for each in conditions if each["type"] == "Established"]


def test_where_each_watch_is_complete_is_said_at_the_end(connection: Connection, namespace: str) -> None:
    with Recorder(connection, ["configmaps", "secrets"], namespace=namespace) as recorder:
        config_map(connection, namespace, "c-last")
        recorder.catch_up()
    ends = {row.stream: json.loads(row.object) for row in recorder.recording.rows if row.type == "END"}
    last = next(row for row in recorder.recording.rows if row.name == "c-last")
    assert set(ends) == {"configmaps", "secrets"}
    assert int(ends["configmaps"]["rv"]) >= int(last.resourceVersion)
    assert not len(recorder.recording.frames.gaps)


def test_a_snapshot_is_a_list_as_frames(connection: Connection, namespace: str) -> None:
    pod = {"metadata": {"name": "c-pod"}, "spec": {"containers": [{"name": "c", "image": "none"}]}}
    connection.request("POST", f"/api/v1/namespaces/{namespace}/pods", body={"apiVersion": "v1", "kind": "Pod", **pod})
    pods = snapshot(connection, ["pods"], namespace).frames.pods
    assert list(pods["name"]) == ["c-pod"] and list(pods["origin"]) == ["list"]


@pytest.fixture
def reader(connection: Connection, namespace: str, tmp_path: Path) -> Reader:
    return Reader(connection, namespace, tmp_path / "kubeconfig")


class Reader:
    """A service account that may read ConfigMaps, and no more, and its kubeconfig."""

    def __init__(self, connection: Connection, namespace: str, kubeconfig: Path) -> None:
        self.admin, self.namespace, self.kubeconfig = connection, namespace, kubeconfig
        self._make("v1", "serviceaccounts", {"kind": "ServiceAccount", "metadata": {"name": "reader"}})
        self.allow("configmaps")

    def _make(self, group: str, plural: str, body: dict) -> None:
        root = "/api/v1" if group == "v1" else f"/apis/{group}"
        self.admin.request("POST", f"{root}/namespaces/{self.namespace}/{plural}", body={"apiVersion": group, **body})

    def allow(self, plural: str) -> None:
        rbac = "rbac.authorization.k8s.io"
        rules = [{"apiGroups": [""], "resources": [plural], "verbs": ["get", "list", "watch"]}]
        self._make(f"{rbac}/v1", "roles", {"kind": "Role", "metadata": {"name": plural}, "rules": rules})
        binding = {
            "kind": "RoleBinding",
            "metadata": {"name": plural},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": plural},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": self.namespace}],
        }
        self._make(f"{rbac}/v1", "rolebindings", binding)

    def token(self) -> str:
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/reader/token"
        made = self.admin.request("POST", path, body={"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"})
        return json.loads(made)["status"]["token"]

    def write(self, token: str) -> None:
        authority = base64.b64encode(self.admin.authority).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "c", "cluster": {"server": self.admin.server, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        draft = self.kubeconfig.with_suffix(".tmp")
        draft.write_text(json.dumps(config))
        draft.replace(self.kubeconfig)


HASTY = Timeouts(watch_seconds=2, silent_seconds=4, backoff=(0.05, 0.5), refused_seconds=0.3)


def test_who_may_only_read_can_record_and_what_is_forbidden_is_tried_again(
    connection: Connection, namespace: str, reader: Reader
) -> None:
    reader.write(reader.token())
    with Recorder(Connection(reader.kubeconfig), ["configmaps", "services"], None, namespace, HASTY) as recorder:
        assert "forbidden" in recorder.problems["services"] and "configmaps" not in recorder.problems
        config_map(connection, namespace, "c-seen")
        recorder.catch_up()
        reader.allow("services")
        assert recorder.wait_for(lambda: not recorder.problems, 20)
    assert ("c-seen", "ADDED", "watch") in changes(recorder.recording)
    (gap,) = recorder.recording.frames.gaps.to_dict("records")
    assert gap["stream"] == "services" and "forbidden" in gap["reason"] and not gap["open"]  # until their first list


def test_a_token_that_was_replaced_is_read_again(connection: Connection, namespace: str, reader: Reader) -> None:
    reader.write(reader.token())
    recorder = Recorder(Connection(reader.kubeconfig), ["configmaps"], None, namespace, HASTY)
    reader.write("outdated")
    recorder.connection.renew()
    started = threading.Thread(target=recorder.start)
    started.start()
    try:
        assert recorder.wait_for(lambda: recorder._reflectors["configmaps"].last_error, 10) == "Unauthorized"
        reader.write(reader.token())
        started.join(20)
        assert not started.is_alive()
        config_map(connection, namespace, "c-after")
        recorder.catch_up()
    finally:
        recorder.stop()
    assert ("c-after", "ADDED", "watch") in changes(recorder.recording)


def test_a_server_says_when_to_come_again() -> None:
    body = b'{"kind":"Status","code":429,"message":"later","details":{"retryAfterSeconds":7}}'
    assert server_error(429, body, "GET /x").retry_after == 7
    assert server_error(503, b"busy", "GET /x", {"Retry-After": "3"}).retry_after == 3
    assert server_error(503, b"busy", "GET /x", {"Retry-After": "3600"}).retry_after == 60
    assert server_error(500, b"[1]", "GET /x").retry_after is None


def test_a_quiet_kind_without_bookmarks_keeps_its_place(connection: Connection, namespace: str) -> None:
    """etcd forgets: a watch that stays at an old resourceVersion would meet 410."""
    recording = Recording()
    item = connection.discover("limitranges")  # of which nobody makes any; a namespace gets a ConfigMap by itself
    patience = Timeouts(watch_seconds=1, silent_seconds=3)
    stopping = threading.Event()
    follower = Reflector(connection, item, recording, namespace, patience, stopping, recording.changed.notify_all)
    follower.list_now()
    follower._watch()  # it ends by itself, and brings nothing
    before = follower.version
    config_map(connection, "default", f"c-elsewhere-{namespace}")  # the store moves on, this namespace doesn't
    connection.request("DELETE", f"/api/v1/namespaces/default/configmaps/c-elsewhere-{namespace}")
    follower._watch()
    assert follower.version > before
    assert not [row for row in recording.rows if row.origin not in ("list", "kitlib")]
