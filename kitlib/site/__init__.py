"""The site: executed notebooks, the ledger and the reference as pages that work without a network.

`build` runs MkDocs in a process of its own and puts the result in place only when it is whole; `check_links` reads a
built site and names every link, anchor or request that would not work.
"""

from kitlib.site.builder import build
from kitlib.site.links import Problem, check_links

__all__ = ["Problem", "build", "check_links"]
