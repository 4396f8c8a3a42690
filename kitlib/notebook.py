"""The address that `kitlib.lab` had before: what was imported from here still can be."""

from kitlib.lab import Changes, Lab, Refusal, Step, kubectl, labs, load_ipython_extension, open

__all__ = ["Changes", "Lab", "Refusal", "Step", "kubectl", "labs", "load_ipython_extension", "open"]
