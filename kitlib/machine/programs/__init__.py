"""The programs that a cluster is made of: found on PATH or in the cache, downloaded, or built from pinned Go modules.

In: a release. Out: the path of each program. It promises that a program is put into the cache whole or not at all.
"""
