"""Exercises of the Kong lesson; they are about its stand-in, Traefik, which can be had everywhere."""

from kitlib import Frames, always, eventually, never
from kitlib.claims import Check
from kitlib.lab import Exercise

STAGE = """
import secrets

from kitlib.lessons.entry import secret

def made(path, **words):
    text = (lab.base / "manifests" / f"{path}.yaml").read_text().replace("LAB-NAMESPACE", lab.namespace)
    for word, meant in words.items():
        text = text.replace(word, meant)
    return text

there = lambda kind: {each["metadata"]["name"] for each in lab.recorder.latest(kind)}
if "standin" not in there("services"):
    for path in ("traefik/kinds", "kong/apps"):
        lab.apply(made(path))
    lab.apply(made("kong/standin/controller", TRAEFIK=lab.part("traefik")))
for name in ("standin", "shop"):
    lab.wait(f"pod/{name}", condition="Ready")
"""
"""What the lesson has already, where an exercise is done without it."""
KEYS = """
keys = {name: secrets.token_urlsafe() for name in ("ada", "bob", "wrong")}
known = "".join(f'"{keys[name]}" {name};\\n' for name in ("ada", "bob"))
lab.apply(secret("keys", {**keys, "keys.map": known}))
if "key-standin" in there("pods"):
    lab.delete("pod/key-standin")
    lab.wait("pod/key-standin", deleted=True)
lab.apply(made("kong/standin/keys", NGINX=lab.part("nginx")))
lab.wait("pod/key-standin", condition="Ready")
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  annotations: {{{guards}}}
spec:
  ingressClassName: lesson-kong-standin
  rules:
    - host: {name}.example
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: shop, port: {{number: 80}}}}}}}}]}}
"""
NAMED = "traefik.ingress.kubernetes.io/router.middlewares"
MIDDLEWARE = """
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: {{name: {name}}}
spec: {spec}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {pod}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
{containers}
"""
CONTAINER = """    - name: {name}
      image: localhost/probe:local
      args: [load, "http://standin/", --header, "Host: {host}.example", --timeout, 30s, --rate, "{rate}", --for, 1h]"""
WITH_KEY = """    - name: {name}
      image: localhost/probe:local
      env: [{{name: KEY, valueFrom: {{secretKeyRef: {{name: keys, key: {name}}}}}}}]
      args: [load, "http://standin/", --header, "Host: {host}.example", --header, "apikey: $(KEY)", --timeout, 30s, --rate, "{rate}", --for, 1h]"""
UNTIL = """
from kitlib.lessons.ingress import served

log = lab.record_logs("{pod}", "{name}")
lab.until(lambda: served([log], '{how}', {count}), '{name}: {how}')
"""
MORE = """
seen = lab.record_logs("{pod}", "{name}")
seen.catch_up()
seen.wait_for('"late_ns"', times=seen.count('"late_ns"') + {count})
"""
WRONG_ADDRESS = '{forwardAuth: {address: "http://key-standing/", trustForwardHeader: false}}'
RIGHT_ADDRESS = '{forwardAuth: {address: "http://key-standin/", trustForwardHeader: false}}'
TWO = "{rateLimit: {average: 2, burst: 2}}"
TWO_FOR_ALL = "{rateLimit: {average: 2, burst: 2, sourceCriterion: {requestHost: true}}}"
TWO_EACH = "{rateLimit: {average: 2, burst: 2, sourceCriterion: {requestHeaderName: apikey}}}"


def rule(name: str, *guards: str) -> str:
    """Return what makes an Ingress to the shop, or gives it other Middlewares."""
    named = ",".join(f"LAB-NAMESPACE-{guard}@kubernetescrd" for guard in guards)
    text = INGRESS.format(name=name, guards=f'{NAMED}: "{named}"' if guards else "")
    return f'lab.apply("""{text}""".replace("LAB-NAMESPACE", lab.namespace))\n'


def guard(name: str, spec: str) -> str:
    """Return what makes a Middleware, or changes it."""
    return f'lab.apply("""{MIDDLEWARE.format(name=name, spec=spec)}""")\n'


def clients(pod: str, host: str, rates: dict[str, int], keyed: tuple[str, ...] = ()) -> str:
    """Return what makes a Pod with clients of some rates, and takes their logs into the recording."""
    parts = [
        (WITH_KEY if name in keyed else CONTAINER).format(name=name, host=host, rate=rate)
        for name, rate in rates.items()
    ]
    text = POD.format(pod=pod, containers="\n".join(parts))
    logs = "".join(f'lab.record_logs("{pod}", "{name}")\n' for name in rates)
    return f'lab.apply("""{text}""")\n{logs}'


def until(pod: str, name: str, how: str, count: int = 5) -> str:
    """Return what waits until a client's last requests were served in some way."""
    return UNTIL.format(pod=pod, name=name, how=how, count=count)


def more(pod: str, name: str, count: int) -> str:
    """Return what waits until a client has been answered some times more."""
    return MORE.format(pod=pod, name=name, count=count)


def asked(frames: Frames, name: str):
    rows = frames.traffic.query(f"container == '{name}'")
    return rows[["at", "monotonic_ns", "name", "container", "status", "who", "error"]]


def held_back(frames: Frames) -> dict[str, Check]:
    return {
        "`crowd` is told to wait: 429": eventually(asked(frames, "crowd").tail(40), "status == 429"),
        "And gets through now and then": eventually(asked(frames, "crowd").tail(40), "status == 200"),
        "`calm` is answered each time": always(asked(frames, "calm"), "status == 200"),
    }


def let_in(frames: Frames) -> dict[str, Check]:
    return {
        "`ada` is let in": eventually(asked(frames, "ada").tail(3), "status == 200 and who == 'shop'"),
        "`stranger` isn't, at any time": never(asked(frames, "stranger"), "who != ''"),
        "In the end he is told that a key is missing: 401": always(asked(frames, "stranger").tail(3), "status == 401"),
    }


def fair(frames: Frames) -> dict[str, Check]:
    return {
        "In the end `ada` is let in each time": always(asked(frames, "ada").tail(4), "status == 200"),
        "`bob` is held back": eventually(asked(frames, "bob").tail(60), "status == 429"),
        "`stranger` is never let in": never(asked(frames, "stranger"), "who != ''"),
    }


EXERCISES = [
    Exercise(
        name="hold-back",
        task="The Ingress `fair`, of the class `lesson-kong-standin`, leads to the shop. `crowd` asks it twenty times a second, "
        "and `calm` once; they come from two addresses. Hold `crowd` back to a few requests a second; `calm` must not notice.",
        before=STAGE
        + rule("fair")
        + clients("crowd", "fair", {"crowd": 20})
        + clients("calm", "fair", {"calm": 1})
        + until("crowd", "crowd", '"status":200')
        + until("calm", "calm", '"status":200', 2),
        check=held_back,
        hints=(
            "A Middleware with `rateLimit: {average: …, burst: …}`; average is for a second, and more than one.",
            f"An Ingress names it as NAMESPACE-NAME@kubernetescrd in the annotation `{NAMED}`. Make it before you name it: "
            "a rule whose Middleware isn't there yet is left out.",
        ),
        solution=guard("slow", TWO)
        + more("crowd", "crowd", 60)
        + rule("fair", "slow")
        + until("crowd", "crowd", '"status":429', 2)
        + until("calm", "calm", '"status":200', 3),
        wrong=guard("slow", TWO_FOR_ALL) + rule("fair", "slow") + until("calm", "calm", '"status":429', 1),
        told="`calm` is answered each time",
        containers=True,
    ),
    Exercise(
        name="whom-to-ask",
        task="The host club.example is for those who have a key. `ada` has one, and gets 500; so does `stranger`, who has none. "
        "Have `ada` let in, and `stranger` told that a key is missing (401). At no time may he get in.",
        before=STAGE
        + KEYS
        + guard("club", WRONG_ADDRESS)
        + rule("club", "club")
        + clients("members", "club", {"ada": 4, "stranger": 4}, keyed=("ada",))
        + until("members", "ada", '"status":500'),
        check=let_in,
        hints=(
            "Whom does the Middleware `club` ask? Is there such a Service?",
            "The Service is called `key-standin`. Change the Middleware, not the Ingress.",
        ),
        solution=guard("club", RIGHT_ADDRESS)
        + until("members", "ada", '"status":200')
        + until("members", "stranger", '"status":401'),
        wrong=rule("club") + until("members", "stranger", '"status":200'),
        told="`stranger` isn't, at any time",
        containers=True,
    ),
    Exercise(
        name="fair-share",
        task="Three ask desk.example from one address: `ada`, with a key, once a second; `bob`, with a key, twenty times; and "
        "`stranger`, without one, twenty times. Its Ingress names two Middlewares: `two`, two requests a second for each address, "
        "then `keys`. So `ada` hardly ever gets in. Have her let in each time; `bob` shall still be held back.",
        before=STAGE
        + KEYS
        + guard("two", TWO)
        + rule("desk", "two", "keys")
        + clients("desk", "desk", {"ada": 1, "bob": 20, "stranger": 20}, keyed=("ada", "bob"))
        + until("desk", "bob", '"status":429', 2)
        + until("desk", "ada", '"status":429', 1),
        check=fair,
        hints=(
            "Whose requests does `two` count together? What else do requests have, by which they can be told apart?",
            "`sourceCriterion: {requestHeaderName: apikey}` counts by key. And who has none must be turned away before.",
        ),
        solution=guard("two", TWO_EACH)
        + rule("desk", "keys", "two")
        + until("desk", "ada", '"status":200', 5)
        + until("desk", "bob", '"status":429', 1),
        wrong=rule("desk", "keys", "two")
        + until("desk", "stranger", '"status":401')
        + until("desk", "ada", '"status":429', 1),
        told="In the end `ada` is let in each time",
        containers=True,
    ),
]
