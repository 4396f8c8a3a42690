"""The fifteen rows of the note's table, and who asks."""

ROWS = {
    "privileged": "privileged",
    "default-add-capabilities": "defaultAddCapabilities",
    "required-drop-capabilities": "requiredDropCapabilities",
    "allowed-capabilities": "allowedCapabilities",
    "volumes": "volumes",
    "host-network": "hostNetwork",
    "host-ports": "hostPorts",
    "host-pid": "hostPID",
    "host-ipc": "hostIPC",
    "allowed-host-paths": "allowedHostPaths",
    "se-linux": "seLinux",
    "run-as-user": "runAsUser",
    "supplemental-groups": "supplementalGroups",
    "fs-group": "fsGroup",
    "read-only-root-filesystem": "readOnlyRootFilesystem",
}
"""The fifteen rows of the note's table: a policy's folder, and the field of PodSecurityPolicy."""

ALL = "all"
"""The namespace in which all fifteen apply at once."""
USER = "alice"
"""Who asks: one who may edit in these namespaces and nothing else, since every policy is open to an administrator."""
POD_SECURITY = "pod-security.kubernetes.io"
"""What the labels of Pod Security Admission begin with: POD_SECURITY/enforce, /warn, /audit, /enforce-version."""
LEVEL = f"{POD_SECURITY}/enforce"
