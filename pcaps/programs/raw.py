"""A server that is no TLS stack: it says nothing, or answers each ClientHello with the same recorded flight."""

import argparse
import socket
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("port", type=int)
parser.add_argument("--flight", type=Path, help="bytes to send; without it, close at once")
args = parser.parse_args()

listener = socket.create_server((args.address, args.port))
while True:
    client, _ = listener.accept()
    with client:
        client.settimeout(2)
        try:
            client.recv(16384)
            if args.flight:
                client.sendall(args.flight.read_bytes())
                client.recv(16384)
        except OSError as error:
            print(error)
