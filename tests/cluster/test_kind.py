"""kind: which engine and which image are taken, what kind is told, and what is said where it can't be done."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml

from kitlib import cluster as clusters
from kitlib.cluster.kind import config, containers, engines, provider
from kitlib.cluster.kind.engines import Client
from kitlib.errors import ClusterError, UsageError
from kitlib.machine import versions
from kitlib.machine.airgap import debian, nodeimage
from kitlib.machine.programs import kindcommand
from tests.machine.programs.test_toolchain import script


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of clients that is all of PATH, but for a shell."""
    folder = tmp_path / "clients"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder without any cluster or engine."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def no_engine_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever engine of kitlib's runs on this machine, these tests don't see it."""
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path / "none"))


def test_none_is_installed(clients: Path) -> None:
    assert provider.Kind().available() == (False, "no container engine answers")
    assert clusters.choose().why.startswith("embedded: no container engine answers, and it needs none")


def test_a_client_without_an_engine_does_not_count(clients: Path) -> None:
    path = script(clients, "docker", "")
    path.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    there, why = provider.Kind().available()
    assert not there
    assert "docker: Cannot connect" in why


def test_an_engine_that_answers_is_preferred(clients: Path) -> None:
    script(clients, "podman", "6.12.0")
    chosen = clusters.choose()
    assert (chosen.provider, chosen.version, chosen.name) == ("kind", "1.37", "kind-1.37")
    assert chosen.why == "kind: podman answers, so nodes and containers are real."
    assert clusters.choose("embedded").provider == "embedded"
    assert clusters.choose(kubernetes="1.17").provider == "embedded"
    for label, release in versions.RELEASES.items():
        if release.planes > 1:
            assert clusters.choose(kubernetes=label).name == clusters.choose("kind", label).name == f"kind-{label}"
            with pytest.raises(UsageError, match="embedded has one control plane"):
                clusters.choose("embedded", label)
        elif release.variant:
            assert clusters.choose(kubernetes=label).provider == "embedded"
            with pytest.raises(UsageError, match="kind can't run"):
                clusters.choose("kind", label)


def test_an_engine_that_hangs_is_given_up(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(clients, "nerdctl", "")
    path.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(engines, "PATIENCE", 0.3)
    began = time.monotonic()
    engine = next(each for each in engines.engines() if each.name == "nerdctl")
    assert not engine.answers
    assert "no answer within" in engine.detail
    assert time.monotonic() - began < 5


def test_other_versions_are_those_that_kind_publishes() -> None:
    chosen = clusters.choose(kubernetes="v1.36")
    assert chosen.name == "kind-1.36"
    assert "only it can run Kubernetes 1.36" in chosen.why
    with pytest.raises(UsageError, match=r"kind can't run Kubernetes 1\.17.*\n.*1\.37, 1\.36"):
        clusters.choose("kind", "1.17")
    with pytest.raises(UsageError, match="not one that kitlib can bring up"):
        clusters.choose("kind", "1.9")


def test_no_engine_and_none_can_be_had(clients: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "able", lambda: (False, "this is not Debian"))
    with pytest.raises(ClusterError, match=r"(?s)no container engine answers, .*not Debian.*--provider embedded"):
        clusters.up("kind", progress=False)
    assert not list((own_places / "clusters").glob("[!.]*"))


def test_every_image_is_pinned_by_its_digest() -> None:
    for minor, image in versions.NODE_IMAGES.items():
        assert re.fullmatch(rf"kindest/node:v{re.escape(minor)}\.\d+@sha256:[0-9a-f]{{64}}", image)


def test_the_default_image_is_the_one_of_the_pinned_kind() -> None:
    assert kindcommand.version() == "v0.33.0", "a new kind names new images: see NODE_IMAGES"


IMAGE = "kindest/node:v1.37.0@sha256:0"


def test_the_configuration_listens_on_the_loopback_address_only() -> None:
    made = yaml.safe_load(config.text(IMAGE, 2, {"http": 8080, "https": 8443}))
    assert made["networking"] == {"apiServerAddress": "127.0.0.1"}
    assert [node["role"] for node in made["nodes"]] == ["control-plane", "worker", "worker"]
    mapped = [each for node in made["nodes"] for each in node.get("extraPortMappings", [])]
    assert {each["listenAddress"] for each in mapped} == {"127.0.0.1"}
    assert {each["containerPort"]: each["hostPort"] for each in mapped} == {80: 8080, 443: 8443}


@pytest.mark.parametrize(("minor", "cap"), [("1.34", None), ("1.35", "40s"), ("1.37", "40s")])
def test_a_container_that_fails_again_and_again_waits_40_seconds_at_most(minor: str, cap: str | None) -> None:
    """Where the kubelet can be told: one of an earlier version doesn't start with a setting that it doesn't know."""
    patches = yaml.safe_load(config.text(IMAGE, 2, {}, minor))["kubeadmConfigPatches"]
    found = [patch for patch in map(yaml.safe_load, patches) if patch["kind"] == "KubeletConfiguration"]
    told = [patch["crashLoopBackOff"]["maxContainerRestartPeriod"] for patch in found if "crashLoopBackOff" in patch]
    assert told == ([cap] if cap else [])


def test_kubeadm_waits_for_a_busy_machine() -> None:
    """Its client gives up a call after 10 s, and with the default of one minute the whole cluster after six of them."""
    patches = [yaml.safe_load(text) for text in yaml.safe_load(config.text(IMAGE, 2, {}))["kubeadmConfigPatches"]]
    patient = {patch["kind"]: patch["timeouts"] for patch in patches if "timeouts" in patch}
    assert patient == {key: {"kubernetesAPICall": "5m0s"} for key in ("InitConfiguration", "JoinConfiguration")}


def test_a_published_image_is_left_as_it_is() -> None:
    patches = [yaml.safe_load(text) for text in yaml.safe_load(config.text(IMAGE, 2, {}))["kubeadmConfigPatches"]]
    kubelet = [patch for patch in patches if patch["kind"] == "KubeletConfiguration"]
    assert all("cgroupDriver" not in patch for patch in kubelet)
    made = [
        yaml.safe_load(text) for text in yaml.safe_load(config.text(nodeimage.name(), 2, {}))["kubeadmConfigPatches"]
    ]
    kubelet = [patch for patch in made if patch["kind"] == "KubeletConfiguration"]
    assert kubelet[0]["cgroupDriver"] == "cgroupfs"


def engine_that_says(folder: Path, answers: dict[str, str]) -> engines.Client:
    """A docker that notes how it is called; a call whose first words are known is answered, any other fails."""
    cases = "".join(f'  "{words}"*) printf "{answer}"; exit 0;;\n' for words, answer in answers.items())
    path = folder / "docker"
    path.write_text(
        f'#!/bin/sh\necho "$*" >>{folder}/calls\ncase "$*" in\n{cases}esac\necho "no route to host" >&2\nexit 1\n'
    )
    path.chmod(0o755)
    return engines.Client("docker", False, {"PATH": f"{folder}:/usr/bin:/bin"})


def test_the_published_image_is_fetched_once_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    client = engine_that_says(tmp_path, {"pull": ""})
    assert config.image(client, "1.36", False) == versions.NODE_IMAGES["1.36"]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == f"pull --quiet {versions.NODE_IMAGES['1.36']}"
    client = engine_that_says(tmp_path, {"image inspect": "{}"})
    (tmp_path / "calls").unlink()
    assert config.image(client, "1.36", False) == versions.NODE_IMAGES["1.36"]
    assert "pull" not in (tmp_path / "calls").read_text()


def test_an_image_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(debian, "able", lambda: (False, "you are not root"))
    client = engine_that_says(tmp_path, {})
    with pytest.raises(
        ClusterError, match=r"(?s)kindest/node:v1.37.0: it can't be fetched.*not root.*no route to host"
    ):
        config.image(client, "1.37", False)


def test_a_cluster_of_that_name_that_kitlib_did_not_make(
    tmp_path: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    client = engine_that_says(tmp_path, {"ps": "kitlib-control-plane\\trunning\\n", "image inspect": ""})
    monkeypatch.setattr(engines, "ensure", lambda progress=True: client)
    monkeypatch.setattr(kindcommand, "program", lambda progress=True: Path("/bin/false"))
    with pytest.raises(ClusterError, match=r"(?s)there is a kind cluster .*kind delete cluster --name"):
        clusters.up("kind", progress=False)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls and not [call for call in calls if call.startswith("rm ")], "what others made is never removed"


def test_the_same_cluster_has_another_name_for_another_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = engines.Client("docker", False, {})
    monkeypatch.delenv("KITLIB_STATE", raising=False)
    assert config.name("1.37", client) == "kitlib"
    assert config.name("1.36", client) == "kitlib-1.36"
    monkeypatch.setenv("KITLIB_STATE", str(tmp_path))
    assert config.name("1.37", client) not in ("kitlib", config.name("1.36", client))
    assert config.name("1.37", engines.Client("docker", True, {})) == "kitlib"


def test_kind_says_why_it_failed(tmp_path: Path) -> None:
    path = tmp_path / "kind"
    path.write_text(
        '#!/bin/sh\necho " • Preparing nodes 📦  ..." >&2\necho "ERROR: failed to create cluster: x" >&2\nexit 1\n'
    )
    path.chmod(0o755)
    steps: list[str] = []
    with pytest.raises(ClusterError, match="ERROR: failed to create cluster: x"):
        kindcommand.call(["create"], {"PATH": "/bin"}, steps.append, time.monotonic() + 10, path)
    assert "Preparing nodes" in steps


def test_kind_that_hangs_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "kind"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(ClusterError, match="not done in time"):
        kindcommand.call(["create"], {"PATH": "/bin:/usr/bin"}, lambda step: None, time.monotonic() + 1, path)
    assert time.monotonic() - began < 10


def test_an_unknown_provider() -> None:
    with pytest.raises(UsageError, match="use one of: kind, embedded"):
        clusters.up("minikube", progress=False)


def test_nodes_of_an_engine_that_does_not_answer_are_named_with_the_way_to_remove_them(capsys):
    containers.remove(Client("docker-that-is-not-here", False, {}), "kitlib-1-37")
    said = capsys.readouterr().err
    assert "docker-that-is-not-here can't be started: No such file" in said
    assert (
        "docker-that-is-not-here rm -f -v $(docker-that-is-not-here ps -aq --filter label=io.x-k8s.kind.cluster=kitlib"
        in said
    )
    containers.remove(Client("docker-that-is-not-here", True, {}), "kitlib-1-37")
    assert not capsys.readouterr().err
