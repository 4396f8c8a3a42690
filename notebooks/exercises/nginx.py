"""Exercises of the lesson on ingress-nginx."""

from kitlib import Frames, always, eventually, never
from kitlib.claims import Check
from kitlib.lab import Exercise
from kitlib.lessons.entry import arrived

STAGE = """
if not any(each["metadata"]["name"] == "ingress-nginx" for each in lab.recorder.latest("daemonsets")):
    manifests = lab.base / "manifests" / "nginx"
    lab.apply((manifests / "rights.yaml").read_text().replace("HERE", lab.namespace))
    lab.apply((manifests / "controller.yaml").read_text().replace("IMAGE", lab.part("ingress-nginx")))
    lab.apply((manifests / "edge.yaml").read_text())
    lab.wait("daemonset/ingress-nginx", rolled_out=True)
"""
"""What the lesson has already, where an exercise is done without it."""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: localhost/probe:local
      readinessProbe: {{httpGet: {{path: /readiness, port: 8080}}, periodSeconds: 1, timeoutSeconds: 10}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {app}}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {host}.example
      http: {{paths: [{{path: "{path}", pathType: {kind}, backend: {{service: {{name: {service}, port: {{number: 80}}}}}}}}]}}
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
      args: [load, "http://edge{path}", --header, "Host: {host}.example", --header, "X-Tester: {tester}", --rate, "5", --for, 1h]
"""
UNTIL = """
from kitlib.lessons.ingress import served

log = lab.record_logs("{name}")
lab.until(lambda: served([log], '{how}', 5), '{name}: {how}')
"""
LOGGED = """
lab.record_logs("wiki").wait_for('"path":"{path}"')
"""
PREFIX = "nginx.ingress.kubernetes.io/"


def made(text: str, **words: str) -> str:
    """Return what applies a manifest."""
    return f'lab.apply("""{text.format(**words)}""")\n'


def rule(name: str, host: str, service: str, path: str = "/", kind: str = "Prefix", **annotations: str) -> str:
    """Return what makes an Ingress, or changes it."""
    about = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
    told = ", ".join(f'{key}: "{value}"' for key, value in about.items())
    return made(INGRESS, name=name, host=host, service=service, path=path, kind=kind, annotations=told)


def app(name: str) -> str:
    """Return what makes an application, and its Service."""
    return made(POD, name=name) + made(SERVICE, name=name, app=name) + f'lab.wait("pod/{name}", condition="Ready")\n'


def client(name: str, host: str, path: str = "/", tester: str = "no") -> str:
    """Return what makes somebody who asks all the time."""
    return made(CLIENT, name=name, host=host, path=path, tester=tester)


def until(name: str, how: str) -> str:
    """Return what waits until a client's last requests were served in some way."""
    return UNTIL.format(name=name, how=how)


def asked(frames: Frames, name: str):
    return frames.traffic.query(f"name == '{name}'")[["at", "monotonic_ns", "name", "status", "who", "error"]]


def testers(frames: Frames) -> dict[str, Check]:
    return {
        "`tester` gets the beta": eventually(asked(frames, "tester"), "who == 'blog-beta'"),
        "`others` never get it": never(asked(frames, "others"), "who == 'blog-beta'"),
    }


def path(frames: Frames) -> dict[str, Check]:
    pages = arrived(frames.logs).query("name == 'wiki'")[["at", "monotonic_ns", "name", "path"]]
    return {
        "`wiki` is asked for /page": eventually(pages, "path == '/page'"),
        "`author` is answered": always(asked(frames, "author").tail(5), "status == 200 and who == 'wiki'"),
    }


def caught(frames: Frames) -> dict[str, Check]:
    return {
        "`listener` is answered by `media`": always(asked(frames, "listener").tail(5), "who == 'media'"),
        "`reader` is answered by `media-new`": always(asked(frames, "reader").tail(5), "who == 'media-new'"),
    }


CANARY = rule("paper-new", "paper", "media-new", canary="true", canary_weight="100")
EXERCISES = [
    Exercise(
        name="testers",
        task="`blog` answers for blog.example, and `blog-beta` is to be its next version. `tester` sends the header "
        "`X-Tester: yes`, `others` send `X-Tester: no`. Have the one get `blog-beta`, and nobody else.",
        before=STAGE
        + app("blog")
        + app("blog-beta")
        + rule("blog", "blog", "blog")
        + client("tester", "blog", tester="yes")
        + client("others", "blog")
        + until("tester", '"who":"blog"')
        + until("others", '"who":"blog"'),
        check=testers,
        hints=(
            "A canary is a second Ingress, of the same host and path. Which rule looks at a header?",
            "by-header alone knows `always` and `never`. What makes it know `yes`?",
        ),
        solution=rule(
            *("blog-beta", "blog", "blog-beta"),
            **{"canary": "true", "canary_by_header": "X-Tester", "canary_by_header_value": "yes"},
        )
        + until("tester", '"who":"blog-beta"'),
        wrong=rule("blog-beta", "blog", "blog-beta", canary="true", canary_weight="100")
        + until("tester", '"who":"blog-beta"')
        + until("others", '"who":"blog-beta"'),
        told="`others` never get it",
        containers=True,
    ),
    Exercise(
        name="short-path",
        task="`author` asks wiki.example for `/wiki/page`; `wiki` knows its pages without `/wiki`, and is asked for "
        "`/wiki/page` all the same. Have it asked for `/page`.",
        before=STAGE
        + app("wiki")
        + rule("wiki", "wiki", "wiki", path="/wiki")
        + client("author", "wiki", "/wiki/page")
        + LOGGED.format(path="/wiki/page")
        + until("author", '"who":"wiki"'),
        check=path,
        hints=(
            "Which annotation says with which path a request is passed on?",
            "What is to stay must be in a pair of parentheses: `$1` is what the first pair holds.",
        ),
        solution=rule(
            *("wiki", "wiki", "wiki"), path="/wiki(/|$)(.*)", kind="ImplementationSpecific", rewrite_target="/$2"
        )
        + LOGGED.format(path="/page")
        + until("author", '"who":"wiki"'),
        wrong=rule("wiki", "wiki", "wiki", path="/wiki", rewrite_target="/")
        + LOGGED.format(path="/")
        + until("author", '"who":"wiki"'),
        told="`wiki` is asked for /page",
        containers=True,
    ),
    Exercise(
        name="caught",
        task="paper.example has a canary of weight 100: `reader` gets `media-new`, as it should be. But `listener`, who asks "
        "for radio.example, gets it as well. Let the one have it, and not the other.",
        before=STAGE
        + app("media")
        + app("media-new")
        + rule("paper", "paper", "media")
        + rule("radio", "radio", "media")
        + CANARY
        + client("reader", "paper")
        + client("listener", "radio")
        + until("reader", '"who":"media-new"')
        + until("listener", '"who":"media-new"'),
        check=caught,
        hints=(
            "What have the two hosts in common?",
            "A canary takes requests from a Service. Which Services can lead to the same Pods?",
        ),
        solution=made(SERVICE, name="radio", app="media")
        + rule("radio", "radio", "radio")
        + until("listener", '"who":"media"')
        + until("reader", '"who":"media-new"'),
        wrong='lab.delete("ingress/paper-new")\n'
        + until("listener", '"who":"media"')
        + until("reader", '"who":"media"'),
        told="`reader` is answered by `media-new`",
        containers=True,
    ),
]
