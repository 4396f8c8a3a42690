"""What is built where nothing ready-made can be had, and the container engine for machines without one.

A kind cluster needs a node image and an engine that runs it. Where no container registry answers, the image is made
here from Debian packages and pinned Go modules, step by step, each kept in the cache by a digest of what goes into it.
"""
