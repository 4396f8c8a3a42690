"""Clusters whose nodes are containers, with the `kind` command.

In: a version, and a container engine. Out: a `Cluster` that is up, or the reason why not.
"""
