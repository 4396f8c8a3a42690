"""What lies beneath a cluster: programs, an engine and images where none can be had, processes, locks, paths.

In: this machine. Out: programs that are at hand, found, downloaded or built; a container engine and a node image; files
that are written whole or not at all. It promises that what was made once is kept in the cache, and that nothing of the
user's is touched.
"""
