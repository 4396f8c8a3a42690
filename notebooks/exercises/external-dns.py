"""Exercises of the lesson on external-dns."""

from kitlib import Frames, always, eventually
from kitlib.claims import Check
from kitlib.frames import lookups
from kitlib.lab import Exercise

STAGE = """
from kitlib.lessons.entry import secret
from kitlib.lessons.ingress import served
from kitlib.lessons.names import key

def made(name, **words):
    text = (lab.base / "manifests" / "external-dns" / f"{name}.yaml").read_text()
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text

there = lambda kind: {each["metadata"]["name"] for each in lab.recorder.latest(kind)}
if "bind9" not in there("services"):
    lab.apply(secret("key", key()))
    lab.apply(made("bind9", IMAGE=lab.part("bind9")))
    for name in ("apps", "rights"):
        lab.apply(made(name))
    lab.wait("pod/shop", condition="Ready")
lab.wait("deployment/bind9", rolled_out=True)
if "first" not in there("pods"):
    words = {"OWNER": "first", "POLICY": "sync", "ZONE": "lesson.example", "KEY": "key"}
    lab.apply(made("external-dns", IMAGE=lab.part("external-dns"), **words))
    lab.wait("pod/first", condition="Ready")
nameserver = lab.get("service/bind9")["spec"]["clusterIP"]
"""
"""What the lesson has already, where an exercise is done without it."""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}, labels: {{team: first}}, annotations: {{{about}}}}}
spec: {{selector: {{app: shop}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""
OUTSIDE = """
apiVersion: v1
kind: Pod
metadata: {name: POD}
spec:
  dnsPolicy: None
  dnsConfig: {nameservers: [NAMESERVER]}
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      args: [ARGS, --timeout, 5s, --for, 1h]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: old, labels: {team: keeper}}
spec:
  ingressClassName: lesson
  rules:
    - host: old.upsert.example
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
"""
ABOUT = "external-dns.alpha.kubernetes.io/"
UNTIL = """
from kitlib.lessons.ingress import served

log = lab.record_logs("{pod}")
lab.until(lambda: served([log], '{how}', 3), '{pod}: {how}')
"""
AGAIN = """
seen = lab.record_logs("{pod}")
seen.catch_up()
seen.wait_for('{how}', times=seen.count('{how}') + {times})
"""


def outside(pod: str, args: str) -> str:
    """Return what makes a Pod that knows the DNS server outside, and takes its log into the recording."""
    text = OUTSIDE.replace("POD", pod).replace("ARGS", args)
    return f'lab.apply("""{text}""".replace("NAMESERVER", nameserver))\nlab.record_logs("{pod}")\n'


def service(name: str, about: str = "") -> str:
    """Return what makes a Service of the shop's, with an annotation or without one."""
    return f'lab.apply("""{SERVICE.format(name=name, about=about)}""")\n'


def annotate(name: str, **about: str) -> str:
    """Return what gives a Service annotations of external-dns'."""
    told = {ABOUT + word.replace("_", "-"): value for word, value in about.items()}
    return f'lab.patch("service/{name}", {{"metadata": {{"annotations": {told!r}}}}})\n'


def until(pod: str, how: str) -> str:
    """Return what waits until the last three lines of a Pod's log hold a text."""
    return UNTIL.format(pod=pod, how=how)


def more(pod: str, how: str, times: int) -> str:
    """Return what waits until a Pod's log holds a text some times more."""
    return AGAIN.format(pod=pod, how=how, times=times)


def keeper(policy: str, owner: str = "keeper") -> str:
    """Return what runs an external-dns of the zone upsert.example, in the place of the one that is there."""
    return f"""
def made(name, **words):
    text = (lab.base / "manifests" / "external-dns" / f"{{name}}.yaml").read_text()
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text

if any(each["metadata"]["name"] == "keeper" for each in lab.recorder.latest("pods")):
    lab.delete("pod/keeper")
    lab.wait("pod/keeper", deleted=True)
words = {{"POLICY": "{policy}", "ZONE": "upsert.example", "KEY": "key", "txt-owner-id=OWNER": "txt-owner-id={owner}"}}
lab.apply(made("external-dns", IMAGE=lab.part("external-dns"), **words, OWNER="keeper"))
lab.record_logs("keeper")
"""


def asked(frames: Frames, pod: str):
    rows = lookups(frames)
    return rows[rows["name"] == pod][["at", "monotonic_ns", "asked", "rcode", "answers", "ttl", "error"]]


def visits(frames: Frames, pod: str):
    return frames.traffic.query(f"name == '{pod}'")[["at", "monotonic_ns", "name", "status", "who", "error"]]


def way(frames: Frames) -> dict[str, Check]:
    return {
        "`guest` gets to the shop by the name kiosk.lesson.example": eventually(
            visits(frames, "guest"), "who == 'shop'"
        )
    }


def kept(frames: Frames) -> dict[str, Check]:
    rows = asked(frames, "clock")
    return {
        "The name is answered each time": always(rows, "answers != ''"),
        "In the end the answer may be kept for a minute": always(rows.tail(1), "ttl == 60"),
    }


def over(frames: Frames) -> dict[str, Check]:
    return {"In the end there is no such name any more": always(asked(frames, "scout").tail(3), "rcode == 'NXDOMAIN'")}


EXERCISES = [
    Exercise(
        name="way-in",
        task="`guest` knows the DNS server outside, and no other one. It asks http://kiosk.lesson.example/ all the time, and "
        "there is no such name. The Service `kiosk`, of type ClusterIP, has the label that external-dns goes by. Give it that name.",
        before=STAGE
        + service("kiosk")
        + outside("guest", 'load, "http://kiosk.lesson.example/", --rate, "4"')
        + until("guest", '"error":"no such name"'),
        check=way,
        hints=(
            "A Service asks for a name by an annotation. Which one is for an address within the cluster?",
            f"`{ABOUT}internal-hostname`.",
        ),
        solution=annotate("kiosk", internal_hostname="kiosk.lesson.example") + until("guest", '"who":"shop"'),
        wrong=annotate("kiosk", hostname="kiosk.lesson.example")
        + more("first", "All records are already up to date", 2),
        told="`guest` gets to the shop by the name kiosk.lesson.example",
        containers=True,
    ),
    Exercise(
        name="keep-it",
        task="`clock` looks up clock.lesson.example, four times a second, and may keep no answer at all. Have the answer be "
        "kept for a minute; the name must be answered meanwhile, each time.",
        before=STAGE
        + service("clock", f"{ABOUT}internal-hostname: clock.lesson.example")
        + outside("clock", "dns, clock.lesson.example., --type, A, --every, 250ms")
        + until("clock", '"ttl":0'),
        check=kept,
        hints=(
            "For how long an answer may be kept is its TTL.",
            f'The annotation `{ABOUT}ttl` has it, in seconds or as "1m".',
        ),
        solution=annotate("clock", ttl="60") + until("clock", '"ttl":60'),
        wrong=annotate("clock", ttl="one minute") + more("first", "is not a valid TTL value", 1),
        told="In the end the answer may be kept for a minute",
        containers=True,
    ),
    Exercise(
        name="left-over",
        task="The Ingress `old` is gone, and `scout` still finds old.upsert.example: `keeper`, the external-dns of that zone, runs "
        "with the policy `upsert-only`. Have the name go. Leave the DNS server alone: you may run `keeper` anew, and say how.",
        before=STAGE
        + keeper("upsert-only")
        + f'lab.apply("""{INGRESS}""")\n'
        + 'served_at = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.30"}]}}}\n'
        + 'lab.patch("ingress/old", served_at, subresource="status")\n'
        + outside("scout", "dns, old.upsert.example., --type, A, --every, 250ms")
        + until("scout", '"data":"192.0.2.30"')
        + 'lab.delete("ingress/old")\n'
        + more("keeper", "All records are already up to date", 2),
        check=over,
        hints=(
            "Which policy deletes names? It deletes its own, and no others.",
            "`manifests/external-dns/external-dns.yaml` with POLICY `sync`, and the same OWNER as before: `keeper`.",
        ),
        solution=keeper("sync") + until("scout", '"rcode":"NXDOMAIN"'),
        wrong=keeper("sync", owner="sweeper") + more("keeper", "All records are already up to date", 2),
        told="In the end there is no such name any more",
        containers=True,
    ),
]
