"""The endless run: sources, rounds, what was told, and how far we are."""
