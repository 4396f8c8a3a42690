"""The fault suite: a recorder, a proxy that hurts it, a workload, etcd's own history as witness, and a judge."""
