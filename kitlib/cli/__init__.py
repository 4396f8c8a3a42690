"""The `kitlib` command: clusters, walks, recordings and figures from a terminal.

In: words, options, and the environment. Out: results on standard output, progress and messages on standard error, an
exit code. What takes long to import is imported by the command that needs it.

Promised: an error is one message that says what to do next; a wrong call leaves nothing behind; exit codes are those
of `EXIT_CODES`; `--output json` is for programs.
"""

from kitlib.cli.interrupts import ended_at_once

with ended_at_once():  # on a cold disk these take seconds
    from kitlib.cli import clusters, lessons, recordings, verify, why, diff, report, serving, airgap, completion  # noqa: F401, I001 - in the help's order
    from kitlib.cli.app import EXIT_CODES, app, main

__all__ = ["EXIT_CODES", "app", "main"]
