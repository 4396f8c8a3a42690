"""What MkDocs calls while it builds: the site's hooks, and what the command says of itself.

It lies beside mkdocs.yml, so that the site is built by the kitlib that is installed, wherever that is.
"""

from kitlib.cli.reference import commands
from kitlib.site import hooks
from kitlib.site.hooks import *  # noqa: F403 - MkDocs looks for their names here

hooks.GENERATED["<!-- kitlib:commands -->"] = commands
