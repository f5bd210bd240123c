"""Conversations in the clear behind which TLS begins, as lists of who says what: "c" the client, "s" the server."""

import struct

HEAD = b"Host: proxy\r\nUser-Agent: x\r\n\r\n"
REFUSED = b"HTTP/1.1 407 Authentication required\r\nContent-Length: 34\r\n\r\n<html>\r\n<p>who are you?</p>\r\n</html>"
WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def ldap(number, operation):
    body = b"\x02\x01" + bytes([number]) + operation
    return b"\x30\x84" + struct.pack(">I", len(body)) + body


def element(tag, body):
    return bytes([tag, len(body)]) + body


START_TLS = element(0x77, element(0x80, b"1.3.6.1.4.1.1466.20037"))
GREETING = b"\x0a8.0.36\0" + bytes(60)
PRELOGIN = bytes.fromhex("0000150006010016000102001700010300180004ff0f00000000000000000000")
RDP_REQUEST = b"\x03\0\0\x2a\x25\xe0\0\0\0\0\0Cookie: mstshash=user\r\n\x01\0\x08\0\x0b\0\0\0"
RDP_CONFIRM = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0"


def tds(kind, body):
    return bytes([kind, 1]) + struct.pack(">H", 8 + len(body)) + bytes([0, 0, 1, 0]) + body


def mysql(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


SMTP = [
    ("s", b"220-mail.example ESMTP\r\n220 at your service\r\n"),
    ("c", b"EHLO client.example\r\n"),
    ("s", b"250-mail.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"),
    ("c", b"STARTTLS\r\n"),
    ("s", b"220 2.0.0 Ready to start TLS\r\n"),
]
DIALOGUES = {
    "smtp": SMTP,
    "lmtp": [
        ("s", b"220 box LMTP\r\n"),
        ("c", b"LHLO me\r\n"),
        ("s", b"250 STARTTLS\r\n"),
        ("c", b"starttls \r\n"),
        ("s", b"220 go\r\n"),
    ],
    "smtp asked twice": [*SMTP[:4], ("s", b"454 not now\r\n"), ("c", b"NOOP\r\n"), ("s", b"250 ok\r\n"), *SMTP[3:]],
    "ftp": [("s", b"220 (vsFTPd 3.0.5)\r\n"), ("c", b"AUTH TLS\r\n"), ("s", b"234 Proceed with negotiation.\r\n")],
    "pop3": [
        ("s", b"+OK ready\r\n"),
        ("c", b"CAPA\r\n"),
        ("s", b"+OK\r\nSTLS\r\n.\r\n"),
        ("c", b"STLS\r\n"),
        ("s", b"+OK go\r\n"),
    ],
    "imap": [
        ("s", b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
        ("c", b"a1 CAPABILITY\r\n"),
        ("s", b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n"),
        ("c", b"a2 starttls\r\n"),
        ("s", b"a2 OK Begin TLS negotiation now\r\n"),
    ],
    "irc": [
        ("c", b"CAP LS 302\r\n"),
        ("s", b":irc.example CAP * LS :tls\r\n"),
        ("c", b"STARTTLS\r\n"),
        ("s", b":irc.example 670 * :STARTTLS successful\r\n"),
    ],
    "irc with tags": [
        ("c", b"CAP REQ server-time\r\n"),
        ("s", b"@time=2026-01-01T00:00:00.000Z :irc.example CAP * ACK :server-time\r\n"),
        ("c", b"STARTTLS\r\n"),
        ("s", b"@time=2026-01-01T00:00:00.000Z :irc.example 670 * :STARTTLS successful\r\n"),
    ],
    "nntp": [("s", b"200 news ready\r\n"), ("c", b"STARTTLS\r\n"), ("s", b"382 Continue\r\n")],
    "sieve": [("s", b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n'), ("c", b"STARTTLS\r\n"), ("s", b'OK "begin"\r\n')],
    "xmpp": [
        ("c", b"<?xml version='1.0'?><stream:stream to='example.org' xmlns='jabber:client'>"),
        ("s", b"<?xml version='1.0'?><stream:stream id='1'>\n<features><starttls xmlns='urn:x'/></features>"),
        ("c", b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>\n"),
        ("s", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ],
    "xmpp with prefix": [
        ("c", b"<stream:stream to='example.org' xmlns:tls='urn:ietf:params:xml:ns:xmpp-tls'>"),
        ("s", b"<stream:stream id='1'><features><tls:starttls><required/></tls:starttls></features>"),
        ("c", b"<tls:starttls/>"),
        ("s", b"<tls:proceed/>"),
    ],
    "ldap with long lengths": [
        ("c", ldap(1, b"\x77\x84\0\0\0\x1c\x80\x84\0\0\0\x16" + START_TLS[4:])),
        ("s", ldap(1, b"\x78\x84\0\0\0\x0b\x0a\x84\0\0\0\x01\0\x04\0\x04\0")),
    ],
    "ldap": [
        ("c", ldap(1, element(0x63, b"\x04\x00" + bytes(20)))),
        ("s", ldap(1, element(0x64, bytes(90))) + ldap(1, element(0x65, b"\x0a\x01\0\x04\0\x04\0"))),
        ("c", ldap(2, START_TLS)),
        ("s", ldap(2, element(0x78, b"\x0a\x01\0\x04\0\x04\0"))),
    ],
    "postgresql": [("c", bytes.fromhex("0000000804d2162f")), ("s", b"S")],
    "postgresql after gss": [
        ("c", bytes.fromhex("0000000804d21630")),
        ("s", b"N"),
        ("c", bytes.fromhex("0000000804d2162f")),
        ("s", b"S"),
    ],
    "mysql": [
        ("s", mysql(0, GREETING)),
        ("c", mysql(1, struct.pack("<IIB", 0x81FFAE8D, 1 << 24, 255) + bytes(23))),
    ],
    "rdp": [("c", RDP_REQUEST), ("s", RDP_CONFIRM)],
    "http-connect": [
        ("c", b"CONNECT example.org:443 HTTP/1.1\r\n" + HEAD),
        ("s", b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"),
    ],
    "http-connect with password": [
        ("c", b"CONNECT example.org:443 HTTP/1.1\r\n" + HEAD),
        ("s", REFUSED),
        ("c", b"CONNECT example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n" + HEAD),
        ("s", b"HTTP/1.0 200 OK\r\n\r\n"),
    ],
    "http-upgrade": [
        ("c", b"OPTIONS * HTTP/1.1\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n" + HEAD),
        ("s", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n"),
    ],
    "socks4": [("c", b"\4\1\x01\xbb\xcb\0\x71\x09me\0"), ("s", b"\0\x5a" + bytes(6))],
    "socks4a": [("c", b"\4\1\x01\xbb\0\0\0\1me\0example.org\0"), ("s", b"\0\x5a" + bytes(6))],
    "socks5": [
        ("c", b"\5\1\0"),
        ("s", b"\5\0"),
        ("c", b"\5\1\0\3\x0bexample.org\x01\xbb"),
        ("s", b"\5\0\0\1" + bytes(6)),
    ],
    "socks5 with password": [
        ("c", b"\5\2\0\2"),
        ("s", b"\5\2"),
        ("c", b"\1\2me\6secret"),
        ("s", b"\1\0"),
        ("c", b"\5\1\0\4" + bytes(15) + b"\1\x01\xbb"),
        ("s", b"\5\0\0\4" + bytes(18)),
    ],
    "smtp behind socks5": [
        ("c", b"\5\1\0"),
        ("s", b"\5\0"),
        ("c", b"\5\1\0\3\x0bexample.org\0\x19"),
        ("s", b"\5\0\0\1" + bytes(6)),
        *SMTP,
    ],
}
SILENT = {"mysql"}
"""Protocols whose server agrees without a word of its own."""


def frame(data, side):
    """A WebSocket message in two fragments, with a ping in between, masked from the client."""
    out = b""
    mask, flag = (b"\x12\xab\x34\xcd", 0x80) if side == "c" else (b"", 0)
    for first, part in ((0x02, data[:7]), (0x89, b"ping"), (0x80, data[7:])):
        size = bytes([flag | len(part)]) if len(part) < 126 else struct.pack(">BH", flag | 126, len(part))
        out += (
            bytes([first])
            + size
            + mask
            + bytes(byte ^ (mask or b"\0")[i % len(mask or b"\0")] for i, byte in enumerate(part))
        )
    return out


def framed(wire):
    """Dialogues after which TLS does not follow bare, each with its handshake."""
    full = wire.full()
    return {
        "tds": [
            ("c", tds(0x12, PRELOGIN)),
            ("s", tds(0x04, PRELOGIN)),
            *((side, tds(0x12, data[:50]) + (tds(0x12, data[50:]) if data[50:] else b"")) for side, data in full[:4]),
            *full[4:],
        ],
        "websocket": [
            ("c", b"GET /tunnel HTTP/1.1\r\n" + WEBSOCKET),
            ("s", b"HTTP/1.1 101 Switching Protocols\r\n" + WEBSOCKET),
            *((side, frame(data, side)) for side, data in full),
        ],
    }
