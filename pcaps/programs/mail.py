"""A mail server (aiosmtpd) that offers STARTTLS: mail.py ADDRESS PORT CERT KEY."""

import asyncio
import ssl
import sys

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

address, port, cert, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Sink(), hostname="mail.example", tls_context=context, loop=loop), address, int(port)
    )
    await server.serve_forever()


asyncio.run(main())
