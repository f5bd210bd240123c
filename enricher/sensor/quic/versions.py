"""The versions of QUIC whose Initial packets can be read, and what differs between them."""

from typing import Final, Literal, NamedTuple

Kind = Literal["initial", "0-rtt", "handshake", "retry", "version_negotiation", "unknown"]


class Version(NamedTuple):
    """What a version fixes about long headers and Initial keys."""

    salt: bytes
    """Salt of the Initial secret (RFC 9001 section 5.2)."""
    label: bytes
    """First word in the labels of key, IV and header protection key."""
    kinds: tuple[Kind, Kind, Kind, Kind]
    """Packet type by the two type bits of the first byte."""


def _like_v1(salt: str) -> Version:
    return Version(bytes.fromhex(salt), b"quic", ("initial", "0-rtt", "handshake", "retry"))


_V1: Final = _like_v1("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_V2: Final = Version(
    bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    b"quicv2",
    ("retry", "initial", "0-rtt", "handshake"),
)
_V2_DRAFT: Final = _V2._replace(salt=bytes.fromhex("a707c203a59b47184a1d62ca570406ea7ae3e5d3"))
_DRAFT_22: Final = _like_v1("7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a")
_DRAFT_23: Final = _like_v1("c3eef712c72ebb5a11a7d2432bb46365bef9f502")
_DRAFT_29: Final = _like_v1("afbfec289993d24c9e9786f19c6111e04390a899")

VERSIONS: Final[dict[int, Version]] = {
    0x0000_0001: _V1,  # RFC 9000
    0x6B33_43CF: _V2,  # RFC 9369
    0x709A_50C4: _V2_DRAFT,  # draft-ietf-quic-v2-02 to -08
    0xFF00_0016: _DRAFT_22,
    **dict.fromkeys(range(0xFF00_0017, 0xFF00_001D), _DRAFT_23),
    **dict.fromkeys(range(0xFF00_001D, 0xFF00_0021), _DRAFT_29),
    **dict.fromkeys(range(0xFF00_0021, 0xFF00_0023), _V1),
    0xFACE_B001: _DRAFT_22,  # mvfst
    **dict.fromkeys(range(0xFACE_B002, 0xFACE_B014), _DRAFT_23),
}
