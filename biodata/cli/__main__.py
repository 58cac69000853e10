"""`python -m biodata.cli`."""

from biodata.cli import main

main()
