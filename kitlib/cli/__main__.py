"""`python -m kitlib.cli` is `kitlib`."""

from kitlib.cli import main

main()
