"""What could not be seen of a session, one sentence each."""

from collections.abc import Iterator, Sequence

from enricher.model.session import Session
from enricher.model.text import visible
from enricher.model.verdict import Legs
from enricher.verdict import timing
from enricher.verdict.case import Case


def gaps(suspected: Sequence[Case], legs: Legs) -> Iterator[str]:
    """Every gap on the endpoint's and the network's side, for each process that could have opened the session."""
    for case in suspected:
        yield from _gaps(case, legs)


def _gaps(case: Case, legs: Legs) -> Iterator[str]:
    yield from _host(case.session)
    yield from _process(case)
    yield from _library(case.session, legs)
    yield from _network(case.session)


def _host(session: Session) -> Iterator[str]:
    if session.host is None:
        yield f"No endpoint log covers {visible(session.observation.orig_h, 60)}."
        return
    host, coverage = visible(session.host, 80), session.coverage
    if not coverage.network_connect:
        yield f"{host} reports no network events."
    elif session.disposition == "no_network_event":
        yield f"{host} reported no network event for this connection."
    if not coverage.module_load:
        yield f"{host} reports no library loads."
    if not coverage.process_tamper:
        yield f"{host} reported no injection at all; it may not be set up to."
    if session.process is not None and coverage.network_connect and timing.offset(session.clock) is None:
        yield f"How far the clock of network events on {host} is off is not known."


def _process(case: Case) -> Iterator[str]:
    process = case.session.process
    if process is None:
        return
    if process.start_source is None:
        yield "No record of the process's creation was seen: no command line, parent or hashes."
    if process.signer is None and process.signed is None:
        yield "The signer of the program was not seen."
    found = case.known
    if found.state == "partly" and found.program is not None:
        missing = " and ".join(found.missing)
        yield f"The program may be {visible(found.program.name, 80)}: its {missing} was not seen."


def _library(session: Session, legs: Legs) -> Iterator[str]:
    process = session.process
    if process is None:
        return
    if process.libraries and timing.offset(session.module_clock) is None:
        yield "The clock of library loads cannot be compared with the network's: no evidence from their timing."
    if legs.library != "present":
        yield "A TLS stack built into the program (Go, rustls, BoringSSL) loads no library: none seen is not innocence."


def _network(session: Session) -> Iterator[str]:
    seen = session.observation
    if seen.anomalies is None:
        yield "The session was not checked for anomalies."
    if not seen.client_hello_seen:
        yield "The ClientHello was not seen: no server name and no fingerprint of the client."
    if not seen.cert_visible and seen.cert_inherited_from is None:
        yield _why_no_certificate(session)
    elif seen.validation_code is None:
        yield "The certificate's chain was not validated."


def _why_no_certificate(session: Session) -> str:
    seen = session.observation
    if seen.cert_visible is None:
        return "The server's certificate was not seen."
    if seen.version == "TLSv13":
        return "TLS 1.3 encrypts the server's certificate."
    if seen.resumed:
        return "The session was resumed, so that no certificate was sent, and its first handshake was not seen."
    return "The server sent no certificate."
