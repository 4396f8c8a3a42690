"""kubectl itself looks at served recordings: it finds the objects that were there then, and is told what is missing."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable

import pytest
import yaml

from kitlib.recording import Recording
from kitlib.serve.history import LOG
from tests.conftest import CHECKOUT, SAMPLES
from tests.serve.conftest import Asked
from tests.serve.made import Made
from tests.serve.test_history import NOTEBOOKS, RECORDED, replayed

Serve = Callable[..., Asked]
READ_ONLY = "this is a recording: it can be read, not changed"


def recorded(name: str) -> Recording:
    return Recording.open(NOTEBOOKS / name)


def sample(name: str) -> Recording:
    return Recording.open(SAMPLES / name)


def kinds(asked: Asked) -> list[tuple[str, str]]:
    """Return what was recorded of a cluster, group and version, and kind."""
    return [each for each in asked.server.history.kinds if each[1] != LOG]


def full(version: str, kind: str) -> str:
    """Return how kubectl takes a kind of just this version."""
    group, _, short = version.rpartition("/")
    return (f"{kind}.{short}.{group}" if group else kind).lower()


@pytest.mark.parametrize("name", RECORDED)
def test_each_kind_is_listed_as_it_was(serve: Serve, name: str) -> None:
    recording = recorded(name)
    asked = serve(recording, at=40)
    moment = asked.server.clock.now()
    words = ("-A", "-o", "json", "--show-managed-fields")
    every = ",".join(full(*each) for each in kinds(asked))
    if not every:  # a cluster that was asked only
        assert {row.kind for row in recording.rows} <= {"Answer", ""}
        return
    items = json.loads(asked("get", every, *words).stdout)["items"]
    for version, kind in kinds(asked):
        wanted = replayed(recording, version, kind, moment)
        mine = [each for each in items if (each["apiVersion"], each["kind"]) == (version, kind)]
        there = {f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}": each for each in mine}
        assert list(there) == sorted(wanted), kind
        for key, each in there.items():
            assert each == {"apiVersion": version, "kind": kind, **json.loads(wanted[key])}, f"{kind} {key}"


@pytest.mark.parametrize("name", RECORDED)
def test_all_kinds_have_their_columns(serve: Serve, name: str) -> None:
    asked = serve(recorded(name))
    if not kinds(asked):
        return
    lines = asked("get", ",".join(full(*each) for each in kinds(asked)), "-A", "-o", "wide").stdout.splitlines()
    heads = [line.split() for line in lines if line.startswith("NAME") and line.isupper()]
    least = (
        3 if name == "traefik" else 4
    )  # kinds that a definition brings: their columns are of that, which isn't recorded
    assert all(len(head) >= least for head in heads)
    now, found = asked.server.clock.now(), [asked.server.history.versions(*each) for each in kinds(asked)]
    assert bool(heads) == any(len(each.alive(each.position(now))) for each in found), "nothing, where all had expired"
    assert not [line for line in lines if "<invalid>" in line]


def test_one_object_as_yaml_and_one_that_is_not_there(serve: Serve) -> None:
    recording = sample("statefulset")
    asked = serve(recording)
    shown = yaml.safe_load(asked("get", "pod", "line-0", "-o", "yaml", "--show-managed-fields").stdout)
    assert shown == json.loads(
        replayed(recording, "v1", "Pod", asked.server.clock.now())[f"{shown['metadata']['namespace']}/line-0"]
    )
    assert asked("get", "pod", "nope", fails=True).stderr == 'Error from server (NotFound): pods "nope" not found\n'


def test_describe_finds_all_that_belongs_to_it(serve: Serve) -> None:
    asked = serve(sample("statefulset"))
    pod = asked("describe", "pod", "line-0").stdout
    assert "Controlled By:  StatefulSet/line" in pod and "Successfully assigned" in pod and "<none>" in pod
    assert "NewReplicaSet:   crew-74874d586 (2/2 replicas created)" in asked("describe", "deployment", "crew").stdout
    assert "Create Pod line-2 in StatefulSet line successful" in asked("describe", "sts", "line").stdout
    node = asked("describe", "node", "kitlib-worker")
    assert "line-0" in node.stdout
    assert "Warning: kitlib: pods were recorded in kitlib-statefulset-" in node.stderr
    assert "leases.coordination.k8s.io were not recorded" in node.stdout


def test_describe_says_that_events_were_not_recorded(serve: Serve) -> None:
    """kubectl itself passes over the error, and shows none."""
    told = serve(recorded("dns"))("describe", "pod", "asker").stderr
    assert "Warning: kitlib: events were not recorded\n" in told


def test_events_of_an_object(serve: Serve) -> None:
    asked = serve(sample("statefulset"))
    every = asked("events", "--for", "pod/line-0").stdout
    assert [line.split()[2] for line in every.splitlines()[1:]] == ["Scheduled", "Pulled", "Created", "Started"]
    some = asked("get", "events", "--field-selector", "involvedObject.name=line-0,reason!=Pulled").stdout
    assert [line.split()[2] for line in some.splitlines()[1:]] == ["Scheduled", "Created", "Started"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-l", "app in (line,bold)"], ["bold-0", "line-0", "line-1", "line-2"]),
        (["-l", "app=line,apps.kubernetes.io/pod-index!=1"], ["line-0", "line-2"]),
        (["--field-selector", "spec.nodeName=kitlib-worker", "-l", "app=line"], ["line-0", "line-2"]),
        (["--field-selector", "status.phase!=Running"], ["cart-2"]),
        (["--field-selector", "metadata.name=line-1"], ["line-1"]),
        (["--chunk-size", "5", "-l", "app=line"], ["line-0", "line-1", "line-2"]),
        (["--sort-by", "{.spec.nodeName}", "-l", "app=line"], ["line-0", "line-2", "line-1"]),
    ],
)
def test_what_is_chosen(serve: Serve, words: list[str], names: list[str]) -> None:
    shown = serve(sample("statefulset"))("get", "pods", "-o", "name", *words).stdout
    assert shown.split() == [f"pod/{name}" for name in names]


def test_a_selector_that_cannot_be_is_told_as_a_server_does(serve: Serve) -> None:
    asked = serve(sample("statefulset"))
    told = asked("get", "pods", "--field-selector", "foo=bar", fails=True).stderr
    assert told == (
        'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", '
        'field selector "foo=bar": field label not supported: foo\n'
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["delete", "pod", "line-0"], f'{READ_ONLY} (DELETE pods "line-0")'),
        (["label", "pod", "line-0", "a=b"], f'{READ_ONLY} (PATCH pods "line-0")'),
        (["scale", "sts/line", "--replicas=1"], f'{READ_ONLY} (PATCH statefulsets.apps/scale "line")'),
        (["create", "namespace", "x"], f"{READ_ONLY} (POST namespaces)"),
        (["rollout", "restart", "sts/line"], f'{READ_ONLY} (PATCH statefulsets.apps "line")'),
        (["exec", "line-0", "--", "ls"], 'nothing of a recording runs any more (exec of pods "line-0")'),
        (["get", "services"], "services were not recorded; this recording has deployments, endpointslices, "),
        (
            ["get", "pods", "-n", "default"],
            "pods of namespace default were not recorded; this recording has those of kitlib-",
        ),
        (["logs", "line-0"], "the log of container main, run 0, was not recorded; no log of this Pod was"),
        (["top", "pods"], "Metrics API not available"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(serve: Serve, words: list[str], says: str) -> None:
    assert says in serve(sample("statefulset"))(*words, fails=True).stderr


def test_who_asks_what_it_may_is_told(serve: Serve) -> None:
    asked = serve(sample("statefulset"))
    assert asked("auth", "can-i", "list", "pods").stdout == "yes\n"
    assert READ_ONLY in asked("auth", "can-i", "create", "pods", fails=True).stdout
    assert "services were not recorded" in asked("auth", "can-i", "list", "services", fails=True).stdout
    assert "reader-of-a-recording" in asked("auth", "whoami").stdout


def test_what_an_apply_would_change(serve: Serve) -> None:
    asked = serve(sample("statefulset"))
    manifest = yaml.safe_load(asked("get", "deployment", "crew", "-o", "yaml").stdout)
    manifest = {key: manifest[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "crew"}}
    assert asked("diff", "-f", "-", stdin=json.dumps(manifest)).stdout == ""
    manifest["spec"]["replicas"] = 5
    manifest["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
    for how in ([], ["--server-side"]):
        changed = asked("diff", *how, "-f", "-", stdin=json.dumps(manifest), fails=True).stdout
        lines = [line for line in changed.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        assert [line.strip() for line in lines] == [
            *("-  generation: 1", "+  generation: 2", "-  replicas: 2", "+  replicas: 5"),
            *("+      - image: side:1", "+        name: side"),
        ]
    assert READ_ONLY in asked("apply", "-f", "-", stdin=json.dumps(manifest), fails=True).stderr


def test_a_container_s_log_as_far_as_it_was_recorded(serve: Serve) -> None:
    recording = recorded("hooks")
    asked = serve(recording)
    pods = replayed(recording, "v1", "Pod", asked.server.clock.now())
    alive = {json.loads(raw)["metadata"]["uid"]: key.partition("/")[2] for key, raw in pods.items()}
    rows = [json.loads(row.object) for row in recording.rows.of("Log")]
    told = Counter(row["metadata"]["uid"] for row in rows if row["metadata"]["uid"].split("/")[0] in alive)
    of = told.most_common(1)[0][0]
    lines = [line for row in rows if row["metadata"]["uid"] == of for line in row["lines"]]
    uid, container, _ = of.split("/")
    base = ["logs", alive[uid], "-c", container]
    assert asked(*base, "--timestamps").stdout.splitlines() == lines
    plain = [line.partition(" ")[2] for line in lines]
    assert asked(*base).stdout.splitlines() == plain
    assert asked(*base, "--tail=3").stdout.splitlines() == plain[-3:]
    assert asked(*base, "--limit-bytes=7").stdout == "\n".join(plain)[:7]
    assert asked(*base, f"--since-time={lines[5][:19]}Z", "--timestamps").stdout.splitlines() == [
        line for line in lines if line[:19] >= lines[5][:19]
    ]


def test_a_watch_shows_what_happened_up_to_a_gap(serve: Serve) -> None:
    """The recording of static Pods has one from 33 to 55 seconds."""
    asked = serve(sample("static-pods"), at=13, speed=4)
    shown = asked.begin("get", "pods", "--watch", "--output-watch-events").communicate(timeout=60)[0]
    lines = [line.split() for line in shown.splitlines()]
    assert [line[0] for line in lines[:4]] == ["EVENT", "ADDED", "ADDED", "ADDED"]
    assert ["DELETED", "web-kitlib-worker", "1/1", "Terminating"] in [line[:4] for line in lines]
    assert lines[-1][:3] == ["ERROR", "Failure", "Expired"] and "410: the server has forgotten the history" in shown


@pytest.mark.parametrize(("at", "warned"), [(30, False), (40, True), (60, False)])
def test_a_moment_in_a_gap_is_warned_of(serve: Serve, at: float, warned: bool) -> None:
    told = serve(sample("static-pods"), at=at)("get", "pods").stderr
    assert (
        "Warning: kitlib: pods of kitlib-static-pods-1a9827 may be missing or out of date between" in told
    ) is warned


def test_a_watch_goes_on_until_it_is_ended(serve: Serve) -> None:
    made = Made().begun()
    made.version(1, "a", status={"phase": "Pending"})
    made.version(5, "a", status={"phase": "Running"})
    asked = serve(made.ended(100), at=2, speed=2)
    going = asked.begin("get", "pods", "--watch", "--no-headers")
    assert going.stdout is not None
    assert [going.stdout.readline().split()[2] for _ in range(2)] == ["Pending", "Running"]
    going.send_signal(signal.SIGINT)
    going.wait(timeout=30)


def test_the_manifest_of_a_lesson_against_its_recording(serve: Serve) -> None:
    """A kind that wasn't recorded is refused, not shown as if it were new."""
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {a: b}\n"
    told = serve(recorded("deployment"))("diff", "-f", "-", stdin=manifest, fails=True)
    assert "configmaps were not recorded" in told.stderr
    assert (CHECKOUT / "notebooks" / "manifests").is_dir()
