"""The address that `kitlib.lab` had before: what was imported from here still can be."""

from kitlib.lab import Changes, Lab, Refusal, Step, kubectl, labs, load_ipython_extension, open
from kitlib.lab.display import change_html as _change_html  # noqa: F401

__all__ = ["Changes", "Lab", "Refusal", "Step", "kubectl", "labs", "load_ipython_extension", "open"]
