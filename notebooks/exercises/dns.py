"""Exercises of the DNS lesson."""

from kitlib import Frames, always, equal, eventually, never
from kitlib.claims import Check
from kitlib.frames import latest, lookups
from kitlib.lab import Exercise

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {app}}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      env: [{{name: PROBE_READINESS, value: "{readiness}"}}]
      readinessProbe: {{httpGet: {{path: /readiness, port: 8080}}, periodSeconds: 1}}
"""
SCOUT = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      env: [{{name: NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}]
      args: [dns, "{asks}.$(NAMESPACE).svc.cluster.local.", --type, A, --every, 200ms, --for, 1h]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{{ip}selector: {{app: {app}}}, ports: [{{port: 8080}}]}}
"""
UNTIL = """
from kitlib.frames import lookups
found = lambda: lookups(lab.frames).query("name == '{name}'")["answers"].iloc[-1:]
lab.until(lambda: bool(found().str.count(r"\\d[.]\\d+[.]").ge({count}).any()), "{count} addresses are answered")
"""


def pod(name: str, app: str, readiness: str = "ok") -> str:
    """Return what makes a Pod of an application."""
    return f'lab.apply("""{POD.format(name=name, app=app, readiness=readiness)}""")\n'


def service(name: str, app: str, ip: str = "clusterIP: None, ") -> str:
    """Return what makes a Service; a headless one by default."""
    return f'lab.apply("""{SERVICE.format(name=name, app=app, ip=ip)}""")\n'


def scout(name: str, asks: str) -> str:
    """Return what makes a Pod that looks up a name, and takes its log into the recording."""
    return f'lab.apply("""{SCOUT.format(name=name, asks=asks)}""")\nlab.record_logs("{name}")\n'


def asked(frames: Frames, name: str):
    found = lookups(frames)
    return found[found["name"] == name][["at", "monotonic_ns", "asked", "type", "queries", "rcode", "answers"]]


def both(frames: Frames) -> dict[str, Check]:
    rows = asked(frames, "scout")
    ready = set(latest(frames.pods).query("name.str.startswith('team-') and ready")["podIP"])
    return {
        "The name is answered": eventually(rows, "answers != ''"),
        "It leads to each of the Pods": eventually(
            rows,
            lambda rows: rows["answers"].map(lambda each: set(each.split(",")) == ready),
            "the addresses of all Pods",
        ),
    }


def early(frames: Frames) -> dict[str, Check]:
    rows, pods = asked(frames, "lookout"), frames.pods.query("name == 'slow'")
    address = pods["podIP"].iloc[-1] if len(pods) else ""
    return {
        "The name leads to the Pod": eventually(rows, lambda rows: rows["answers"] == address, "the Pod's address"),
        "The Pod is still not Ready": never(pods[["resourceVersion", "name", "ready"]], "ready"),
    }


def one(frames: Frames) -> dict[str, Check]:
    rows = asked(frames, "asker")
    outside, inside = (rows[rows["asked"] == name] for name in ("www.example.com", "kubernetes.default"))
    return {
        "www.example.com was looked up": equal(bool(len(outside)), True, rows, "looked up"),
        "It took one query": always(outside.tail(1), "queries == 1"),
        "kubernetes.default was found": eventually(inside, "answers != ''"),
    }


EXERCISES = [
    Exercise(
        name="all-of-them",
        task="There are two Pods with the label `app: team`. The Pod `scout` looks up the name `team` in your namespace, and "
        "gets no answer. Give it one that leads to both Pods' own addresses.",
        before=pod("team-a", "team") + pod("team-b", "team") + scout("scout", "team") + 'lab.wait_ready("app=team", 2)',
        check=both,
        hints=(
            "What has a name in DNS, and finds Pods by their labels?",
            "A Service with an address of its own hides theirs. One without is called headless: `clusterIP: None`.",
        ),
        solution=service("team", "team") + UNTIL.format(name="scout", count=2),
        wrong=service("team", "team", "") + UNTIL.format(name="scout", count=1),
        told="It leads to each of the Pods",
        containers=True,
    ),
    Exercise(
        name="before-ready",
        task="The Pod `slow` isn't Ready, and won't be. Its Service, `slow`, is headless; the Pod `lookout` looks it up. Have the "
        "name lead to the Pod as it is.",
        before=pod("slow", "slow", "fail")
        + service("slow", "slow")
        + scout("lookout", "slow")
        + 'lab.wait("pod/slow", until=lambda pod: pod["status"].get("podIP"), what="an address")',
        check=early,
        hints=(
            "Who decides whose addresses are given: the Pod, or the Service?",
            "A Service may publish addresses of Pods that aren't Ready: `publishNotReadyAddresses`.",
        ),
        solution='lab.patch("service/slow", "spec: {publishNotReadyAddresses: true}")'
        + UNTIL.format(name="lookout", count=1),
        wrong='lab.ask("slow", "/set", method="POST", readiness="ok")\nlab.wait("pod/slow", condition="Ready")',
        told="The Pod is still not Ready",
        containers=True,
    ),
    Exercise(
        name="one-query",
        task='Have the Pod `asker` look up `www.example.com` and `kubernetes.default`, by `lab.ask("asker", "/dns", name=…, '
        'type="A")`: the first one in a single query, the second one so that its Service is found.',
        before=pod("asker", "asker") + 'lab.wait_ready("app=asker", 1)\nlab.record_logs("asker")',
        check=one,
        hints=(
            "Look at the names that were asked for: the answer has them as `queries`.",
            "What says that a name is whole, so that nothing is to be put behind it?",
        ),
        solution='lab.ask("asker", "/dns", name="www.example.com.", type="A")\n'
        'lab.ask("asker", "/dns", name="kubernetes.default", type="A")',
        wrong='lab.ask("asker", "/dns", name="www.example.com", type="A")\n'
        'lab.ask("asker", "/dns", name="kubernetes.default", type="A")',
        told="It took one query",
        containers=True,
    ),
]
