"""Who is published to, and how both prove who they are."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from enricher.config import ZeekConfig
from enricher.errors import ConfigError
from enricher.service.feedback import Feedback


@pytest.mark.parametrize(
    "url", ["", "http://z:1", "ws://", "ws://user@z", "ws://z:99999", "ws://z:0", "ws://[::1", "z"]
)
def test_what_is_no_websocket_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a WebSocket"):
        Feedback(ZeekConfig(url=url))


def test_over_tls_zeek_must_prove_who_it_is(tmp_path: Path, stand_in: Any, published: Any, pem: Any) -> None:
    certificate, key = pem(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with stand_in(tls=tls) as zeek:
        url = f"wss://127.0.0.1:{zeek.port}"
        (problem,) = published(url, 1)
        assert "certificate verify failed" in problem
        assert published(url, 1, ca_bundle=str(certificate)) == []
    assert zeek.got == ["AN1496-1"]


def test_over_tls_we_prove_who_we_are_where_zeek_asks(tmp_path: Path, stand_in: Any, published: Any, pem: Any) -> None:
    (certificate, key), (ours, our_key) = pem(tmp_path), pem(tmp_path, "ours")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ours))
    tls.load_cert_chain(certificate, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    with stand_in(tls=tls) as zeek:
        url = f"wss://127.0.0.1:{zeek.port}"
        assert len(published(url, 1, ca_bundle=str(certificate))) == 1
        assert published(url, 1, ca_bundle=str(certificate), certificate=str(ours), key=str(our_key)) == []
    assert zeek.got == ["AN1496-1"]


@pytest.mark.parametrize("field", ["ca_bundle", "certificate"])
def test_a_certificate_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, field: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match=rf"{path.name} cannot be used .*check \[zeek\]"):
            Feedback(ZeekConfig(url="wss://z", **{field: str(path)}))
