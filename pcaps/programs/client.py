"""A TLS client on Python's ssl: one or more requests, each on a connection of its own."""

import argparse
import socket
import ssl
import time

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("--sni")
parser.add_argument("--ca", help="verify against this bundle; without it nothing is verified")
parser.add_argument("--max12", action="store_true")
parser.add_argument("--times", type=int, default=1)
parser.add_argument("--pause", type=float, default=0.4)
parser.add_argument("--source-port", type=int, default=0)
parser.add_argument("--reset", action="store_true", help="close by RST, so that the port is free at once")
args = parser.parse_args()

context = ssl.create_default_context(cafile=args.ca)
if not args.ca:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
if args.max12:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
for turn in range(args.times):
    if turn:
        time.sleep(args.pause)
    raw = socket.socket(socket.AF_INET6 if ":" in args.address else socket.AF_INET)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    raw.settimeout(5)
    if args.source_port:
        raw.bind(("", args.source_port))
    raw.connect((args.address, args.port))
    try:
        with context.wrap_socket(raw, server_hostname=args.sni) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\nHost: server\r\n\r\n")
            while tls.recv(4096):
                pass
            if args.reset:
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    except (ssl.SSLError, OSError) as error:
        print(error)
