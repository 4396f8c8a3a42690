"""The DNS notebook tests every line of its section of the catalogue, and expects what is known of each."""

from __future__ import annotations

from tests.conftest import CHECKOUT
from tests.lessons.manifests import by_name

MANIFESTS = CHECKOUT / "notebooks" / "manifests" / "dns"
LINES = {
    "Service and Pod names resolve; A, AAAA, SRV, PTR; headless gives all addresses; ExternalName": [
        "A Service's name leads to its cluster address",
        "A Service's name has that answer also while no Pod is behind it",
        "A headless Service's name leads to the addresses of all its ready Pods",
        "What there isn't is NXDOMAIN: no such name",
        "AAAA is answered with a Service's IPv6 addresses; where it has none, with nothing, and that is no error",
        "One name has both kinds where its EndpointSlices do, also if somebody wrote them by hand",
        "SRV tells a named port, and the name that has it: the Service's own",
        "SRV of a headless Service is a record for each Pod, with a name for each",
        "An ExternalName is a CNAME, another name for what it names; if that is known, its address comes with it",
        "An ExternalName is answered whether or not there is what it names",
        "A Pod has a name by its hostname and subdomain, where that is a headless Service's",
        "A Pod's name is its name in DNS",
        "A Pod without a hostname has its address as a name, with dashes, below a headless Service",
        "Each Pod has such a name below its namespace and `pod`, too",
        "Names below `pod` are made of the question: they are answered where no Pod has the address, too",
        "PTR leads back from a Service's address to its name",
        "From a Pod's address it leads to the names that it has by headless Services",
    ],
    "Search path and ndots:5, the queries of one look-up counted": [
        "A short name is looked for in one's own namespace: a Service of another one needs that one's name as well",
        "A Service of one's own namespace is found at once by its short name: a query for A, one for AAAA",
        "A Service of another namespace takes one name more: one's own namespace is tried first",
        "A name outside is looked up with each domain of the search list first, and in vain",
        "A Service's whole name goes through the search list as well: it has four dots",
        "A name with five dots is first asked for as it is",
        "A dot at the end says that a name is whole: no list is gone through",
        "The server has counted as many as the client has sent",
        "CoreDNS' own metrics count the same",
        "With ndots:1 a name with a dot in it is first asked for as it is: a whole one costs one query",
        "Each query goes to one of the servers, whichever",
    ],
    "kube-dns became CoreDNS, the Service is still called kube-dns; Corefile read, changed and reloaded": [
        "The server's Deployment is called kube-dns, as its Service is",
        "Behind the Service kube-dns are the Pods of CoreDNS",
        "What they run is CoreDNS",
        "Each CoreDNS notices by itself that its Corefile has changed, and takes it",
        "No container is restarted for a new Corefile",
        "Until it has reloaded, CoreDNS goes by the old Corefile: what it answers before is in no log",
        "The API server takes a broken Corefile; CoreDNS doesn't, and says why",
        "With a broken Corefile CoreDNS goes on by the one that it has",
    ],
    "DNS policies: ClusterFirst, Default, None + dnsConfig": [
        "Without a dnsPolicy a Pod asks the cluster's DNS: the address of the Service kube-dns",
        "The policy Default is the default",
        "A Pod's search list is its namespace, svc, the cluster's domain; names of fewer than five dots go through it",
        "With Default a Pod asks whom its node asks: names of the cluster aren't known there",
        "With the policy None a Pod has what dnsConfig says, and nothing else",
        "Otherwise dnsConfig is added to what the policy gives; an option of the same name takes its place",
        "On the host's network ClusterFirst is as Default",
        "ClusterFirstWithHostNet asks the cluster's DNS there, too",
    ],
    "Time from a change of readiness to a change of the answer; what is kept, by its TTL": [
        "A Pod that isn't Ready is left out of the answer, and is back in it when it is Ready",
        "The answer follows the EndpointSlice, and that follows the Pod",
        "While one Pod is left out the answer is never without the others",
        "CoreDNS keeps answers about the cluster's names for a while",
        "An answer that is kept may be wrong: it leads to a Pod that isn't Ready, and whose EndpointSlice says so",
        "The TTL of an answer that is kept counts down: it is what is left",
    ],
    "CoreDNS down: what breaks": [
        "Without CoreDNS no name is answered",
        "Without CoreDNS a client that has an address goes on, such as the one in its environment, from the kubelet",
        "Without CoreDNS an open connection goes on",
        "Without CoreDNS a client that looks the name up each time is stuck",
        "Kubernetes itself asks for no name: a Pod is started meanwhile, becomes Ready, and is listed by its Service",
        "Pods that are Ready stay so without CoreDNS",
        "The Service kube-dns leads to a CoreDNS again when that is Ready",
        "No name is answered before a CoreDNS is Ready",
        "A CoreDNS that starts knows what came in between: the new Pod is in its answer",
    ],
}
WRONG = {
    "The server's Deployment is called kube-dns, as its Service is": "fails",
    "A Pod's name is its name in DNS": "fails",
    "CoreDNS keeps answers about the cluster's names for a while": "fails",
    "The policy Default is the default": "fails",
}
"""Sentences that aren't true, and stand there as such."""


def manifests() -> dict[str, dict]:
    """Each object that the lesson applies, by kind and name."""
    return by_name(MANIFESTS)


def test_the_least_pod_says_nothing_of_dns():
    spec = manifests()["Pod/plain"]["spec"]
    assert not {"dnsPolicy", "dnsConfig", "hostname", "subdomain", "hostNetwork"} & set(spec)


def test_of_two_pods_behind_one_service_one_has_a_name_of_its_own():
    known = manifests()
    assert known["Pod/one"]["spec"]["subdomain"] == "all" and known["Service/all"]["spec"]["clusterIP"] == "None"
    assert not {"hostname", "subdomain"} & set(known["Pod/two"]["spec"])
    assert known["Pod/one"]["metadata"]["labels"] == known["Pod/two"]["metadata"]["labels"]


def test_two_services_differ_in_their_name_alone():
    """The name `again` must not have been asked for before its answer is kept."""
    known = manifests()
    assert known["Service/all"]["spec"] == known["Service/again"]["spec"]


def test_names_outside_are_nobodys():
    """They are asked for on machines with a network, too."""
    code = (MANIFESTS.parents[1] / "dns.ipynb").read_text()
    for name in ("www.example.com", "www.example.org.", "www.example.net", "nowhere.invalid"):
        assert name in code
