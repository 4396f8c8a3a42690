"""The notebook on ingress-nginx tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "nginx"
ANNOTATION = "nginx.ingress.kubernetes.io/"
LINES = {
    "The edge node: the controller on hostPort 80/443 of a labelled node; several for availability": [
        "The controller runs on each node with the label, and on no other one",
        "The edge node's own port 80 is the entry: a node without the controller answers nobody there",
        "Another label is another edge node: with several the entry is there more than once",
        "An Ingress' status names each edge node",
        "Whoever has the address of the edge node that is lost is cut off",
        "The other edge node goes on",
        "An nginx in front that knows several edge nodes loses no request when one is lost: it asks the next",
        "When the node is back it is an edge node again, and nobody has done anything",
    ],
    "Config of NGINX comes from a ConfigMap. TLS": [
        "nginx' configuration is in a ConfigMap: while that stays as it is, requests are served as before",
        "A change of the ConfigMap is followed, and no controller is started anew",
        "A visitor who comes by HTTP is sent on to HTTPS where there is a certificate: 308",
        "The certificate of the Secret is presented for its host: a client that trusts it is served",
        "Other hosts are served by HTTPS as well, with a certificate that the controller has made, for nobody's name",
    ],
    "URL rewrite with capture groups; Basic Auth from a Secret (401 without, 200 with; htpasswd)": [
        "What a capture group holds is passed on, and the rest of the path is cut off: /api/a/b arrives as /a/b",
        "Where it holds nothing the application is asked for its root: /api arrives as /",
        "What the pattern doesn't fit is for nobody: /apiary",
        "A pattern is for the paths of its own Ingress: those of others go by whole parts, as before",
        "Without a password nobody gets in: 401",
        "Nor with a wrong one",
        "With the right one it is the application that answers",
    ],
    "Canary, four annotations: by-header, by-header-value, by-cookie, weight; by-header-pattern; precedence": [
        "by-header: with `always` all go to the canary",
        "by-header: with `never` none does",
        "by-header: any other value is ignored, and the next rule decides",
        "by-cookie: with `always` all go to the canary",
        "by-cookie: with `never` none does",
        "by-cookie: any other value is ignored, and the weight decides",
        "The header comes before the cookie, the cookie before the weight: so in each of 32 cells",
        "Weight 100 means all requests",
        "by-header-value: with that value all go to the canary, with another one none does",
        "`always` and `never` keep their meaning beside a value of your own",
        "by-header-value must be used with by-header: alone it does nothing",
        "by-header, by-header-value, by-cookie and weight are all the rules that there are",
        "by-header-pattern: what the pattern fits goes to the canary, and nothing else",
        "Beside a value the pattern is ignored",
        "Weight 0: the canary gets no request",
        "Weight 100: it gets all of them",
        "Weight 30: it gets about 30 %: the interval of what was seen, sure to 99.99 %, holds 30, not 20 or 40",
        "A canary concerns the host of its own Ingress, and no other one",
        "The new version's Service may have an Ingress of its own before it gets a canary: both are served",
        "Or it may get one later: both are served",
    ],
    "Two classes: by weight, by request. Blue-green and A/B shown with them": [
        "By weight one and the same visitor sees now the old version, now the new one",
        "Blue-green: by a weight of 100 all are moved to the new version, by one of 0 all are moved back",
        "A/B: by cookie the same ones get the same version each time, whatever the weight",
        "Rules are of two kinds: by request, where the same one goes the same way, and by weight, where it doesn't",
    ],
    "Bad input: a broken Ingress, a Secret that is missing, two controllers of one class, a port in use": [
        "An Ingress that nginx can't read stops what comes after it: no change is followed until it is gone",
        "What was served before is served on meanwhile",
        "Nothing at the Ingress says so: no Warning is about it, and its status names the edges as if it were served",
        "The controller's log says so, and Events of its Pod",
        "Where the Secret with the passwords is missing the door stays shut: 503",
        "Where the Secret with the certificate is missing it is the same, and no visitor can tell why",
        "Whoever wants a port of a node that is taken isn't started there, and its Pod says why",
        "A controller whose port is taken within its Pod ends at once, and says which",
        "Two controllers of one class both follow it, and write its status in turn, without end; nothing refuses it",
    ],
}
WRONG = {
    "nginx' configuration is in a ConfigMap: while that stays as it is, requests are served as before": "fails",
    "A pattern is for the paths of its own Ingress: those of others go by whole parts, as before": "fails",
    "Weight 100 means all requests": "fails",
    "`always` and `never` keep their meaning beside a value of your own": "fails",
    "by-header, by-header-value, by-cookie and weight are all the rules that there are": "fails",
    "A canary concerns the host of its own Ingress, and no other one": "fails",
    "The new version's Service may have an Ingress of its own before it gets a canary: both are served": "fails",
    "Or it may get one later: both are served": "fails",
}
"""Sentences that aren't true, and stand there as such."""


def manifests() -> dict[str, dict]:
    """Each object that the lesson applies, by kind and name."""
    return by_name(MANIFESTS)


def test_the_two_that_say_help_differ_in_their_host_alone():
    known = manifests()
    one, other = known["Ingress/todo-help"]["spec"]["rules"], known["Ingress/plain-help"]["spec"]["rules"]
    assert [each.pop("host") for each in (*one, *other)] == ["todo.example", "plain.example"]
    assert one == other


def test_a_canary_differs_from_the_old_version_in_its_service_and_its_annotation_alone():
    known = manifests()
    old, new = known["Ingress/NAME-old"], known["Ingress/NAME-new"]
    assert (
        new["metadata"].pop("annotations") == {f"{ANNOTATION}canary": "true"} and "annotations" not in old["metadata"]
    )
    backends = [each["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"].pop("name") for each in (old, new)]
    assert backends == ["NAME", "NAME-new"] and old["spec"] == new["spec"]
    assert [known[f"Service/{name}"]["spec"]["selector"]["app"] for name in backends] == ["old", "new"]


def test_the_crowd_is_large_enough_to_tell_30_from_20_and_40():
    """Whatever of it is seen, but for one crowd in some ten thousand."""
    from kitlib.lessons.entry import wilson

    containers = {each["name"]: each["args"] for each in manifests()["Pod/crowd"]["spec"]["containers"]}
    count = {name: int(args[args.index("--count") + 1]) for name, args in containers.items()}
    likely = round(4 * (0.3 * 0.7 * count["some"]) ** 0.5)  # four standard deviations
    few, many = (wilson(round(0.3 * count["some"]) + way * likely, count["some"]) for way in (-1, 1))
    assert few[0] > 0.2 and many[1] < 0.4
    assert wilson(0, count["none"])[1] < 0.06


def test_no_word_of_a_secret_stands_in_a_manifest():
    assert not [name for name in manifests() if name.startswith("Secret/")]
    env = [each for one in manifests()["Pod/guests"]["spec"]["containers"] for each in one.get("env", ())]
    assert [each["name"] for each in env if "value" in each] == ["SSL_CERT_FILE"]


def test_the_controller_has_the_webhook_off_and_sees_its_own_namespace_alone():
    template = manifests()["DaemonSet/ingress-nginx"]["spec"]["template"]["spec"]
    args = template["containers"][0]["args"]
    assert "--watch-namespace=$(POD_NAMESPACE)" in args and not [each for each in args if "webhook" in each]
    assert {each["hostPort"] for each in template["containers"][0]["ports"]} == {80, 443}
    assert template["nodeSelector"] == {"ingress-ready": "true"}
