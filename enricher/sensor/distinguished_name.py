r"""Distinguished names as text: RFC 2253 with OpenSSL's escapes, the way Zeek logs subjects and issuers.

The last RDN comes first; bytes outside of printable ASCII are `\XX` of their UTF-8; a type that OpenSSL has no name
for, or a value that is no string, is `#` and its DER in hex.
"""

import re
from typing import Final, NamedTuple

from enricher.sensor.asn1 import OBJECT_IDENTIFIER, SET, Cursor, Element, Malformed, oid
from enricher.sensor.oids import ATTRIBUTES

_UTF8: Final = 0x0C
_CODECS: Final[dict[int, str]] = {
    _UTF8: "utf-8",
    0x12: "latin-1",  # NumericString
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # TeletexString, which everybody fills with Latin-1
    0x16: "latin-1",  # IA5String
    0x17: "latin-1",  # UTCTime
    0x18: "latin-1",  # GeneralizedTime
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_LONGEST: Final = 2047
"""Characters that Zeek keeps of a name."""
_ATTRIBUTE: Final = re.compile(r"(?:\\.|[^,+\\])+", re.DOTALL)
_PLAIN: Final = re.compile(rb'(?![ #])[^\x00-\x1f\x7f-\xff,+"\\<>;]*(?<! )')
"""Values that need no escape, as most do."""
_SPECIAL: Final = frozenset(b',+"\\<>;')


class Name(NamedTuple):
    """A name, and what was wrong with it."""

    text: str
    common_name: str | None
    """The last (most specific) CN, unescaped; None when there is none that decodes."""
    flaw: str | None


def read(body: bytes) -> Name:
    """Render the content of an RDNSequence (RFC 5280 4.1.2.4).

    Raises:
        Malformed: its structure does not parse.
    """
    rdns: list[str] = []
    common_name = flaw = None
    named, length = False, 0
    for rdn in reversed(list(Cursor(body))):
        if rdn.tag != SET:
            raise Malformed(f"tag 0x{rdn.tag:02x} where a set of attributes belongs")
        parts: list[str] = []
        for attribute in reversed(list(Cursor(rdn.body))):
            if length > _LONGEST:
                break
            pair = Cursor(attribute.body)
            dotted = oid(pair.take(OBJECT_IDENTIFIER).body)
            value = pair.next()
            kind = ATTRIBUTES.get(dotted, dotted)
            parts.append(f"{kind}={_render(value, known=dotted in ATTRIBUTES)}")
            length += len(parts[-1])
            text = _decode(value)
            if text is None or "\0" in text:
                flaw = f"{kind} " + ("does not decode" if text is None else "has a NUL")
            if kind == "CN" and not named:
                common_name, named = text, True
        rdns.append("+".join(parts))
        if length > _LONGEST:
            break  # a name of thousands of parts is made to cost time
    return Name(",".join(rdns)[:_LONGEST], common_name, flaw)


def attributes(text: str) -> tuple[tuple[str, str], ...]:
    """Split a rendered name into types and values, in the order written; values stay escaped."""
    return tuple((kind, value) for kind, _, value in (part.partition("=") for part in _ATTRIBUTE.findall(text)))


def _decode(value: Element) -> str | None:
    """The value as text; None: not a string, or not in the encoding that its tag promises."""
    codec = _CODECS.get(value.tag)
    try:
        return value.body.decode(codec) if codec else None
    except UnicodeDecodeError:
        return None


def _render(value: Element, *, known: bool) -> str:
    if not known or value.tag not in _CODECS:
        return "#" + value.whole.hex().upper()
    text = _decode(value)
    # OpenSSL passes UTF8String through unchecked, and gives up on the other encodings.
    raw = value.body if text is None else text.encode("utf-8", "surrogatepass")
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    last = len(raw) - 1
    return "".join(_escape(byte, edge=at in (0, last), first=at == 0) for at, byte in enumerate(raw))


def _escape(byte: int, *, edge: bool, first: bool) -> str:
    if byte < 0x20 or byte > 0x7E:
        return f"\\{byte:02X}"
    if byte in _SPECIAL or (byte == 0x20 and edge) or (byte == 0x23 and first):
        return "\\" + chr(byte)
    return chr(byte)
