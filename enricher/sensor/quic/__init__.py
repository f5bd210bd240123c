"""QUIC as far as everyone on the path can read it: datagrams in, the handshake bytes of Initial packets out."""

from enricher.sensor.quic.header import is_quic
from enricher.sensor.quic.reader import QuicReader

__all__ = ["QuicReader", "is_quic"]
