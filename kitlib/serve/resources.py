"""The kinds that are served: those of Kubernetes, and whatever else a recording holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kitlib.serve.history import LOG, History

_SCALED = ("Deployment", "ReplicaSet", "StatefulSet", "ReplicationController")
_STATUSLESS = re.compile(
    r"ConfigMap|Secret|Event|Endpoints|EndpointSlice|Lease|LimitRange|.*Role.*|.*Class|ServiceAccount"
)

_TABLE = """
v1 bindings Binding n
v1 componentstatuses ComponentStatus c cs
v1 configmaps ConfigMap n cm
v1 endpoints Endpoints n ep
v1 events Event n ev
v1 limitranges LimitRange n limits
v1 namespaces Namespace c ns
v1 nodes Node c no
v1 persistentvolumeclaims PersistentVolumeClaim n pvc
v1 persistentvolumes PersistentVolume c pv
v1 pods Pod n po +all
v1 podtemplates PodTemplate n
v1 replicationcontrollers ReplicationController n rc +all
v1 resourcequotas ResourceQuota n quota
v1 secrets Secret n
v1 serviceaccounts ServiceAccount n sa
v1 services Service n svc +all
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration c +api-extensions
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy c +api-extensions
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding c +api-extensions
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration c +api-extensions
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition c crd crds +api-extensions
apiregistration.k8s.io/v1 apiservices APIService c +api-extensions
apps/v1 controllerrevisions ControllerRevision n
apps/v1 daemonsets DaemonSet n ds +all
apps/v1 deployments Deployment n deploy +all
apps/v1 replicasets ReplicaSet n rs +all
apps/v1 statefulsets StatefulSet n sts +all
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler n hpa +all
batch/v1 cronjobs CronJob n cj +all
batch/v1 jobs Job n +all
certificates.k8s.io/v1 certificatesigningrequests CertificateSigningRequest c csr
coordination.k8s.io/v1 leases Lease n
discovery.k8s.io/v1 endpointslices EndpointSlice n
flowcontrol.apiserver.k8s.io/v1 flowschemas FlowSchema c
flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations PriorityLevelConfiguration c
networking.k8s.io/v1 ingressclasses IngressClass c
networking.k8s.io/v1 ingresses Ingress n ing
networking.k8s.io/v1 networkpolicies NetworkPolicy n netpol
node.k8s.io/v1 runtimeclasses RuntimeClass c
policy/v1 poddisruptionbudgets PodDisruptionBudget n pdb
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding c
rbac.authorization.k8s.io/v1 clusterroles ClusterRole c
rbac.authorization.k8s.io/v1 rolebindings RoleBinding n
rbac.authorization.k8s.io/v1 roles Role n
scheduling.k8s.io/v1 priorityclasses PriorityClass c pc
storage.k8s.io/v1 csidrivers CSIDriver c
storage.k8s.io/v1 csinodes CSINode c
storage.k8s.io/v1 csistoragecapacities CSIStorageCapacity n
storage.k8s.io/v1 storageclasses StorageClass c sc
storage.k8s.io/v1 volumeattachments VolumeAttachment c
"""


@dataclass(frozen=True)
class Resource:
    """A kind, and where it is served.

    Parameters
    ----------
    group, version, kind, plural : str
        "apps", "v1", "Deployment", "deployments"; the group is empty for the core one.
    namespaced : bool
        Whether its objects live in a namespace.
    short_names, categories : tuple of str
        What else kubectl calls it ("deploy"), and the names of several kinds at once ("all").
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def group_version(self) -> str:
        """As in `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def subresources(self) -> tuple[str, ...]:
        """What of an object can be read by itself."""
        found = () if _STATUSLESS.fullmatch(self.kind) else ("status",)
        return (*found, *(("log",) if (self.group, self.kind) == ("", "Pod") else ()))


def _read(line: str) -> Resource:
    group_version, plural, kind, scope, *names = line.split()
    group, _, version = group_version.rpartition("/")
    short = tuple(name for name in names if name[0] != "+")
    return Resource(
        group, version, kind, plural, scope == "n", short, tuple(name[1:] for name in names if name[0] == "+")
    )


KUBERNETES = tuple(_read(line) for line in _TABLE.strip().splitlines())
"""The kinds of Kubernetes that are served under their names, whether they were recorded or not."""


def resources(history: History) -> list[Resource]:
    """Return the kinds that are served: those of Kubernetes, in the versions that were recorded, and all others."""
    known = {(each.group, each.kind): each for each in KUBERNETES}
    for (group_version, kind), versions in history.kinds.items():
        if kind == LOG:
            continue
        group, _, version = group_version.rpartition("/")
        spaced = any(not key.startswith("/") for key in versions.keys)
        _add(known, group, version, kind, spaced, history)
    for stream in history.streams:  # also of what there never was any
        kind, group_version = stream.get("kind", ""), stream.get("api_version", "")
        if kind and kind != LOG and group_version:
            group, _, version = group_version.rpartition("/")
            _add(known, group, version, kind, bool(stream.get("namespace")), history)
    return list(known.values())


def _add(
    known: dict[tuple[str, str], Resource], group: str, version: str, kind: str, namespaced: bool, history: History
) -> None:
    there = known.get((group, kind))
    if there is None:
        known[group, kind] = Resource(group, version, kind, _plural(kind, history.streams), namespaced)
    elif there.version != version:
        known[group, kind] = replace(there, version=version)


def _plural(kind: str, streams: Iterable[dict[str, str]]) -> str:
    """Return the plural of a kind's name: as its stream says, or as it is usually made."""
    told = next((each["plural"] for each in streams if each.get("kind") == kind and each.get("plural")), "")
    if told:
        return told
    name = kind.lower()
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


__all__ = ["KUBERNETES", "Resource", "resources"]
