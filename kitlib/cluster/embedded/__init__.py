"""Clusters of real etcd, API server, controllers and scheduler as processes of your user, and simulated nodes.

In: a version. Out: a `Cluster` that is up, or the reason why not.
"""
