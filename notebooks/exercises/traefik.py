"""Exercises of the Traefik lesson."""

from kitlib import Frames, always, eventually, never
from kitlib.claims import Check
from kitlib.lab import Exercise

STAGE = """
from kitlib.lessons.entry import hashed, secret
from kitlib.lessons.ingress import served

if not any(each["metadata"]["name"] == "traefik" for each in lab.recorder.latest("services")):
    image = lab.part("traefik")
    for name in ("kinds", "gateway-kinds", "apps", "classes", "doors", "traefik"):
        text = (lab.base / "manifests" / "traefik" / f"{name}.yaml").read_text()
        lab.apply(text.replace("LAB-NAMESPACE", lab.namespace).replace("IMAGE", image))
    lab.wait("daemonset/traefik", rolled_out=True)
for name in ("shop", "next"):
    lab.wait(f"pod/{name}", condition="Ready")
"""
"""What the lesson has already, where an exercise is done without it."""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: entry}}]
  hostnames: [{hosts}]
  rules:
    - backendRefs: [{{name: {service}, port: 80}}]
"""
BETA = """    - matches: [{{headers: [{{name: beta, value: "yes"}}]}}]
      backendRefs: [{{name: next, port: 80}}]
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: old}}
spec:
  ingressClassName: lesson-standin
  rules:
    - host: old
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: shop, port: {{number: 80}}}}}}}}]}}
"""
CLUB = """
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {{name: club}}
spec: {{basicAuth: {{secret: members}}}}
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {{name: club}}
spec:
  routes:
    - match: Host(`club`)
      middlewares: {middlewares}
      services: [{{name: shop, port: 80}}]
"""
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      args: [load, "http://traefik/", --header, "Host: {host}", --header, "{header}", --timeout, 30s, --rate, "5", --for, 1h]
"""
MEMBER = "Authorization: Basic YWRhOm9wZW4="
UNTIL = """
from kitlib.lessons.ingress import served

log = lab.record_logs("{name}")
lab.until(lambda: served([log], '{how}', 5), '{name}: {how}')
"""


def made(text: str, **words: str) -> str:
    """Return what applies a manifest."""
    return f'lab.apply("""{text.format(**words)}""")\n'


def route(name: str, service: str, hosts: str = "", more: str = "") -> str:
    """Return what makes an HTTPRoute, or changes it."""
    return made(ROUTE + more, name=name, hosts=hosts or name, service=service)


def client(name: str, host: str, header: str = "Accept: */*") -> str:
    """Return what makes a client, and takes its log into the recording."""
    return made(CLIENT, name=name, host=host, header=header) + f'lab.record_logs("{name}")\n'


def until(name: str, how: str) -> str:
    """Return what waits until a client's last requests were served in some way."""
    return UNTIL.format(name=name, how=how)


def asked(frames: Frames, name: str):
    return frames.traffic.query(f"name == '{name}'")[["at", "monotonic_ns", "name", "status", "who", "error"]]


def beta(frames: Frames) -> dict[str, Check]:
    return {
        "`next` answers the tester": eventually(asked(frames, "tester"), "who == 'next'"),
        "All others stay with `shop`": always(asked(frames, "public"), "who == 'shop' and status == 200"),
    }


def club(frames: Frames) -> dict[str, Check]:
    return {
        "The member is let in": eventually(asked(frames, "member"), "who == 'shop'"),
        "Nobody else is": never(asked(frames, "stranger"), "who != ''"),
        "They are asked for a password": eventually(asked(frames, "stranger"), "status == 401"),
    }


def moved(frames: Frames) -> dict[str, Check]:
    return {
        "`next` answers the guest": eventually(asked(frames, "guest"), "who == 'next'"),
        "The guest was answered each time": always(asked(frames, "guest"), "status == 200"),
    }


EXERCISES = [
    Exercise(
        name="beta-only",
        task="The HTTPRoute `beta` leads to `shop`. Whoever sends the header `beta: yes`, as `tester` does, shall be "
        "answered by `next`; `public`, who doesn't, must not notice anything.",
        before=STAGE
        + route("beta", "shop")
        + client("public", "beta")
        + client("tester", "beta", "beta: yes")
        + until("public", '"who":"shop"'),
        check=beta,
        hints=(
            "An HTTPRoute has several rules; each has matches, and services of its own.",
            "A match may name headers: `matches: [{headers: [{name: …, value: …}]}]`.",
        ),
        solution=route("beta", "shop", more=BETA) + until("tester", '"who":"next"'),
        wrong=route("beta", "next") + until("public", '"who":"next"'),
        told="All others stay with `shop`",
        containers=True,
    ),
    Exercise(
        name="locked-out",
        task="The host `club` is for members. `member` sends the password `open` of the user `ada`, and gets 404; so does "
        "`stranger`, who has none. Let the member in, and have everybody else asked for a password.",
        before=STAGE
        + made(CLUB, middlewares="[{name: club}]")
        + client("member", "club", MEMBER)
        + client("stranger", "club")
        + until("member", '"status":404'),
        check=club,
        hints=(
            "A rule whose Middleware can't be made is left out. What does the Middleware `club` name?",
            "The Secret `members` isn't there. It has one key, `users`, and in it a line as `htpasswd -s` writes it: "
            '`kitlib.lessons.entry.hashed("ada", "open")`.',
        ),
        solution="from kitlib.lessons.entry import hashed, secret\n"
        + 'lab.apply(secret("members", {"users": hashed("ada", "open")}))\n'
        + until("member", '"who":"shop"')
        + until("stranger", '"status":401'),
        wrong=made(CLUB, middlewares="[]") + until("stranger", '"who":"shop"'),
        told="Nobody else is",
        containers=True,
    ),
    Exercise(
        name="moving-out",
        task="The Ingress `old` is of the class `lesson-standin`, and leads to `shop`. Put an HTTPRoute into its place "
        "that leads to `next`, and delete the Ingress. `guest`, who asks for it all the time, must get an answer each time.",
        before=STAGE + made(INGRESS) + client("guest", "old") + until("guest", '"status":200'),
        check=moved,
        hints=(
            "Both may be there at once.",
            "When is nobody in need of the Ingress any more? Give the HTTPRoute a second name: who asks for that sees that it is followed.",
        ),
        solution=route("old", "next", "old, trial")
        + client("scout", "trial")
        + until("scout", '"who":"next"')
        + 'lab.delete("ingress/old")\n'
        + until("guest", '"who":"next"'),
        wrong='lab.delete("ingress/old")\n'
        + until("guest", '"status":404')
        + route("old", "next")
        + until("guest", '"who":"next"'),
        told="The guest was answered each time",
        containers=True,
    ),
]
