"""Packets to Observations: bytes in, records out; no file, no clock, no network."""
