"""Exercises of the Ingress lesson."""

from kitlib import Frames, always, equal, eventually
from kitlib.claims import Check
from kitlib.lab import Exercise

STAGE = """
import json
import re
from contextlib import suppress

import kitlib
from kitlib import objects
from kitlib.lessons.ingress import Controller

if not any(each["metadata"]["name"] == "edge" for each in lab.recorder.latest("services")):
    for cell in json.loads((lab.base / "ingress.ipynb").read_text())["cells"]:
        if "controller" in cell["metadata"].get("tags", ()):
            exec("".join(cell["source"]))  # the lesson's own controller
    manifests = lab.base / "manifests" / "ingress"
    lab.apply((manifests / "entry.yaml").read_text())
    lab.apply((manifests / "edge.yaml").read_text().replace("IMAGE", lab.part("nginx")))
    Controller(lab, ("ingresses", "services", "endpointslices"), control)
    lab.wait("pod/edge", condition="Ready")
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
      readinessProbe: {{httpGet: {{path: /readiness, port: 8080}}, periodSeconds: 1}}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {app}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {app}}}
spec:
  {which}rules:
    - host: {app}.example
      http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {service}, port: {port}}}}}}}]}}
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
      args: [load, "http://edge/", --header, "Host: {app}.example", --rate, "5", --for, 1h]
"""
CLASS = "ingressClassName: lesson\n  "
UNTIL = """
from kitlib.lessons.ingress import served

log = lab.record_logs("{name}")
lab.until(lambda: served([log], '{how}', 5), '{name}: {how}')
"""
WITHOUT = """
lab.until(lambda: not lab.owned("endpointslices", "old-home"), "old-home leads nowhere")
log.wait_for('"late_ns"', times=log.count('"late_ns"') + 3)
"""


def made(text: str, **words: str) -> str:
    """Return what applies a manifest."""
    return f'lab.apply("""{text.format(**words)}""")\n'


def rule(app: str, service: str, port: str = "{number: 80}", which: str = CLASS) -> str:
    """Return what makes an Ingress, or changes it."""
    return made(INGRESS, app=app, service=service, port=port, which=which)


def stage(app: str, client: str, service: str, *more: str) -> str:
    """Return what makes an application, its Service and a client, and takes the client's log into the recording."""
    ready = f'lab.wait("pod/{app}", condition="Ready")\nlab.record_logs("{client}")\n'
    things = (made(POD, name=app), made(SERVICE, name=service, app=app), *more, made(CLIENT, name=client, app=app))
    return STAGE + "".join(things) + ready


def until(client: str, how: str) -> str:
    """Return what waits until a client's last requests were served in some way."""
    return UNTIL.format(name=client, how=how)


def asked(frames: Frames, name: str):
    return frames.traffic.query(f"name == '{name}'")[["at", "monotonic_ns", "name", "status", "who", "error"]]


def door(frames: Frames) -> dict[str, Check]:
    return {"`blog` answers": eventually(asked(frames, "reader"), "who == 'blog'")}


def port(frames: Frames) -> dict[str, Check]:
    pods = frames.pods.query("name == 'wiki'")
    return {
        "`wiki` answers": eventually(asked(frames, "author"), "who == 'wiki'"),
        "It is the same Pod": equal(pods["uid"].nunique(), 1, pods[["name", "uid"]], "Pods"),
    }


def moved(frames: Frames) -> dict[str, Check]:
    ends = frames.endpoints[["monotonic_ns", "service", "pod", "listed", "ready"]]
    old, rows = ends.query("service == 'old-home' and not listed"), asked(frames, "guest")
    later = rows[rows["monotonic_ns"] > old["monotonic_ns"].max()]
    return {
        "There is a Service `new-home` for the Pod": eventually(ends, "service == 'new-home' and ready"),
        "There is no `old-home` any more, and the guest is answered": eventually(later, "who == 'home'"),
        "The guest was answered each time": always(rows, "status == 200"),
    }


EXERCISES = [
    Exercise(
        name="own-door",
        task="The Pod `blog` has a Service of that name, at port 80. `reader` asks the Service `edge` for blog.example, and gets "
        "404. Have it answered by `blog`.",
        before=stage("blog", "reader", "blog"),
        check=door,
        hints=(
            "What says which Service a host is for?",
            "Who is to follow it? The lesson's controller has the class `lesson`.",
        ),
        solution=rule("blog", "blog") + until("reader", '"who":"blog"'),
        wrong=rule("blog", "blog", which=""),
        told="`blog` answers",
        containers=True,
    ),
    Exercise(
        name="which-port",
        task="`author` asks for wiki.example, and gets 503, although the Ingress `wiki`, the Service `wiki` and the Pod `wiki` "
        "are all there. Mend it, and leave the Pod alone.",
        before=stage("wiki", "author", "wiki", rule("wiki", "wiki", "{name: web}")) + until("author", '"status":503'),
        check=port,
        hints=(
            "503 says that there is a rule, and nobody behind it. What does the rule name?",
            "A rule names a port of the Service, by its number or by its name: not a port of the Pod.",
        ),
        solution=rule("wiki", "wiki", "{name: http}") + until("author", '"who":"wiki"'),
        wrong=rule("wiki", "wiki", "{number: 8080}"),
        told="`wiki` answers",
        containers=True,
    ),
    Exercise(
        name="moved-house",
        task="The Service `old-home` is to be called `new-home`. `guest`, who asks for home.example all the time, must not notice.",
        before=stage("home", "guest", "old-home", rule("home", "old-home")) + until("guest", '"who":"home"'),
        check=moved,
        hints=(
            "A Service's name can't be changed; but there may be two Services for one Pod.",
            "What must be there before the rule names it? And when does nobody need the old one any more?",
        ),
        solution=made(SERVICE, name="new-home", app="home")
        + 'lab.until(lambda: lab.owned("endpointslices", "new-home"), "new-home leads somewhere")\n'
        + rule("home", "new-home")
        + until("guest", '"who":"home"')
        + 'lab.delete("service/old-home")\n'
        + WITHOUT,
        wrong='lab.delete("service/old-home")\n'
        + until("guest", '"status":503')
        + made(SERVICE, name="new-home", app="home")
        + rule("home", "new-home")
        + until("guest", '"who":"home"'),
        told="The guest was answered each time",
        containers=True,
    ),
]
