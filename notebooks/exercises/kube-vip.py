"""Exercises of the lesson on shared addresses: elections of plain Pods, and the wire that nodes are on."""

from kitlib import Frames, equal, eventually, within
from kitlib.claims import Check
from kitlib.lab import Exercise

CANDIDATE = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: candidate}}}}
spec:
  serviceAccountName: candidate
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: {{image}}
      args:
        - arp
        - --name={name}
        - --lease={{namespace}}/{lease}
        - --lease-duration=15s
        - --renew-deadline=10s
        - --retry-period=500ms
"""
"""One that takes part in an election, with no address at stake."""
RIGHTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: candidate}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: candidate}
rules: [{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: candidate}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: candidate}
subjects: [{kind: ServiceAccount, name: candidate}]
"""
WORDS = """
image = lab.part("vip")


def candidate(text):
    lab.apply(text.replace("{image}", image).replace("{namespace}", lab.namespace))


def said(name, words):
    rows = lab.frames.logs.query("name == @name")
    return rows["line"].str.contains(words).any()
"""
"""What each of the next needs: how a Pod is applied, and whether one has said something."""


def candidates(crown: dict[str, str]) -> str:
    """Return what starts candidates, each for the Lease that it is to take part for, and waits until each has a leader."""
    lines = [WORDS, f'lab.apply("""{RIGHTS}""")\n']
    for name, lease in crown.items():
        lines.append(f'candidate("""{CANDIDATE.format(name=name, lease=lease)}""")\n')
        lines.append(f'lab.record_logs("{name}")\n')
        lines.append(f'lab.until(lambda: said("{name}", \'"event":"leader"\'), "{name} knows who leads")\n')
    return "".join(lines)


def logged(frames: Frames, name: str):
    rows = frames.logs[frames.logs["name"].str.startswith(name)]
    return rows[["at", "monotonic_ns", "name", "event", "line"]]


def abdicated(frames: Frames) -> dict[str, Check]:
    rows = logged(frames, "rival-")
    leads, follows = rows[rows["event"] == "leads"], rows[rows["event"] == "follows"]
    return {
        "Another one leads now": eventually(rows, "event == 'leads'"),
        "Nobody waited until the Lease had run out": within(10, follows, leads),
    }


def mended(frames: Frames) -> dict[str, Check]:
    there = frames.pods.query("name.str.startswith('candidate-')").groupby("name").tail(1)
    there = there.query("type != 'DELETED' and deletionTimestamp.isna() and ready")
    return {
        "Three take part": equal(
            sorted(there["name"]), [f"candidate-{each}" for each in "abc"], there[["name", "state"]]
        ),
        "It takes part in their election": eventually(
            logged(frames, "candidate-c"),
            lambda rows: rows["line"].str.contains('"who":"candidate-[ab]"'),
            "another one leads",
        ),
    }


def answered(frames: Frames) -> dict[str, Check]:
    rows = logged(frames, "ear")
    return {
        "It has asked": eventually(rows, "event == 'question'"),
        "It was answered, on the wire": eventually(rows, "event == 'arp'"),
    }


EAR = """
address = next(
    each["address"]
    for node in lab.connection.get("/api/v1/nodes")["items"]
    if node["metadata"]["name"].endswith("-control-plane")
    for each in node["status"]["addresses"]
    if each["type"] == "InternalIP"
)
lab.apply(f\"\"\"
apiVersion: v1
kind: Pod
metadata: {{name: ear}}
spec:
  nodeSelector: {{ingress-ready: "true"}}
  hostPID: true
  terminationGracePeriodSeconds: 1
  containers:
    - {{name: main, image: {image}, args: [hear, --interface=INTERFACE, --about={address}]}}
MORE
\"\"\")
lab.record_logs("ear").wait_for('"event":"question"', times=3)
"""
WIRE = """
  initContainers:
    - name: wire
      image: {image}
      args: [wire, --parent=eth0, --name=rack, --last=240]
      securityContext: {{privileged: true}}
"""


def ear(interface: str, more: str) -> str:
    """Return what has a Pod ask by one of its interfaces, and waits until it has asked three times."""
    return WORDS + EAR.replace("INTERFACE", interface).replace("MORE", more)


LEADER = """
leader = lab.get("lease/crown")["spec"]["holderIdentity"]
"""
HEIR = """
others = [f"rival-{each}" for each in "abc" if f"rival-{each}" != leader]
lab.until(lambda: any(said(each, '"event":"leads"') for each in others), "another one leads")
"""

EXERCISES = [
    Exercise(
        name="abdicate",
        task="Three Pods, `rival-a` to `rival-c`, take part in an election for the Lease `crown`, which is good for"
        " fifteen seconds. Have another one lead, without anybody waiting for these fifteen seconds.",
        before=candidates(dict.fromkeys(("rival-a", "rival-b", "rival-c"), "crown")),
        check=abdicated,
        hints=(
            "`lab.get('lease/crown')` says who leads.",
            "Who is told to end gives the Lease back. What tells a Pod to end?",
            "Delete the leader's Pod, and wait until one of the others says that it leads.",
        ),
        solution=WORDS + LEADER + 'lab.delete(f"pod/{leader}")\n' + HEIR,
        wrong=LEADER + 'other = next(each for each in ("rival-a", "rival-b") if each != leader)\n'
        'lab.delete(f"pod/{other}")\nlab.wait(f"pod/{other}", deleted=True)\n',
        told="Another one leads now",
        containers=True,
    ),
    Exercise(
        name="typo",
        task="Three Pods should take part in one election, and two of them lead. Find out why, and mend it: in the end all"
        " three are there, and `candidate-c` goes by the same Lease as the others.",
        before=candidates({"candidate-a": "throne", "candidate-b": "throne", "candidate-c": "throme"}),
        check=mended,
        hints=(
            "Which Leases are there? `%kubectl get leases` lists them.",
            "Look at the arguments of each Pod: `lab.get('pod/candidate-c')['spec']['containers'][0]['args']`.",
            "A Pod's arguments can't be changed: delete it, wait until it is gone, and apply it anew with the right Lease.",
        ),
        solution=WORDS
        + 'lab.delete("pod/candidate-c")\nlab.wait("pod/candidate-c", deleted=True)\n'
        + f'candidate("""{CANDIDATE.format(name="candidate-c", lease="throne")}""")\n'
        + 'lab.wait("pod/candidate-c", condition="Ready")\nlab.record_logs("candidate-c")\n'
        + 'lab.until(lambda: said("candidate-c", \'"who":"candidate-[ab]"\'), "it follows")\n',
        wrong='lab.delete("pod/candidate-c")\nlab.wait("pod/candidate-c", deleted=True)\n',
        told="Three take part",
        containers=True,
    ),
    Exercise(
        name="whose",
        task="Have a Pod on a worker ask on the nodes' own wire (ARP) whose the address of the first control plane's node"
        " is, and hear the answer: `vip hear --interface=… --about=…` asks and tells. Call the Pod `ear`.",
        check=answered,
        hints=(
            "A Pod's eth0 is on no wire with the nodes: its questions are heard by its own node alone.",
            "The lesson's Pod `outside` has a second interface. Which init container makes it, and what does it need?",
            "`vip wire --name=rack` needs `hostPID: true` and a privileged container; then `hear` on `rack`.",
        ),
        solution=ear("rack", WIRE),
        wrong=ear("eth0", ""),
        told="It was answered, on the wire",
        containers=True,
    ),
]
