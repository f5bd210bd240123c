"""All that is impure: files, clock, signals, progress, the order of work."""
