"""Who is published to, and how both prove who they are."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import ConfigError
from enricher.service.delivery.writer import Sent, UnavailableError
from enricher.service.delivery.zeek import Zeek
from enricher.sinks.settings import ZeekSink


def send(url: str, records: Any, **settings: Any) -> Sent:
    writer = Zeek(ZeekSink(url=url, timeout_seconds=5.0, **settings))
    try:
        return writer.send(records)
    finally:
        writer.close()


@pytest.mark.parametrize(
    "url", ["", "http://z:1", "ws://", "ws://user:secret@z", "ws://z:99999", "ws://z:0", "ws://[::1", "z", "ws://z\n"]
)
def test_what_is_no_websocket_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a WebSocket") as caught:
        Zeek(ZeekSink(url=url))
    assert "secret" not in str(caught.value)


def test_over_tls_zeek_must_prove_who_it_is(stand_in: Any, pki: Any, make: Any) -> None:
    records = make.records(1, "zeek_event")
    with stand_in(tls=pki.context()) as zeek:
        with pytest.raises(UnavailableError, match=r"cannot be reached: its certificate is not accepted \(self-signed"):
            send(zeek.url, records)
        assert send(zeek.url, records, ca_file=str(pki.certificate)) == Sent()
    assert zeek.got == [records[0].notice.id]


def test_over_tls_we_prove_who_we_are_where_zeek_asks(tmp_path: Path, stand_in: Any, pki: Any, make: Any) -> None:
    ours, records = type(pki)(tmp_path), make.records(1, "zeek_event")
    context = pki.context()
    context.load_verify_locations(ours.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with stand_in(tls=context) as zeek:
        roots = str(pki.certificate)
        with pytest.raises(UnavailableError):
            send(zeek.url, records, ca_file=roots)
        assert send(zeek.url, records, ca_file=roots, certificate=str(ours.certificate), key=str(ours.key)) == Sent()
    assert zeek.got == [records[0].notice.id]


@pytest.mark.parametrize("field", ["ca_file", "certificate"])
def test_a_certificate_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, field: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=rf"{path.name} cannot be used"):
            Zeek(ZeekSink(url="wss://z", **{field: str(path)}))
