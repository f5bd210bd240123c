"""`python -m enricher`."""

from enricher.cli import main

main()
