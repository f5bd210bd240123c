"""AN1496: which process on which Windows host opened each abnormal TLS session, with proof."""

__version__ = "0.1.0"
