"""Bytes from the wire as text that does nothing to who reads it."""


def printable(raw: bytes) -> str:
    r"""Printable ASCII, all other bytes and the backslash as `\xNN`."""
    shown = raw.decode("latin-1")
    if shown.isascii() and shown.isprintable() and "\\" not in shown:
        return shown
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in raw)
