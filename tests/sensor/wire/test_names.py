import pytest

from enricher.sensor import names


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0x0000, "TLS_NULL_WITH_NULL_NULL"),
        (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
        (0x1301, "TLS_AES_128_GCM_SHA256"),
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        (0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
        (0xFEFF, "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA"),
        (0x0A0A, "grease_0x0A0A"),
        (0x5600, "TLS_FALLBACK_SCSV"),
        (0x1234, "unknown-4660"),
    ],
)
def test_cipher_suites_are_named_as_in_the_registry(code, name):
    assert names.cipher_name(code) == name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (23, "secp256r1"),
        (29, "x25519"),
        (256, "ffdhe2048"),
        (4588, "X25519MLKEM768"),
        (0xFAFA, "grease_0xFAFA"),
        (99, "unknown-99"),
    ],
)
def test_groups_are_named_as_in_the_registry(code, name):
    assert names.group_name(code) == name


@pytest.mark.parametrize(
    ("code", "name"), [(0, "close_notify"), (40, "handshake_failure"), (48, "unknown_ca"), (200, "unknown-200")]
)
def test_alerts_are_named_as_in_the_registry(code, name):
    assert names.alert_name(code) == name


@pytest.mark.parametrize(
    ("code", "name"),
    [(0x0300, "SSLv3"), (0x0303, "TLSv12"), (0x0304, "TLSv13"), (0x7F17, "TLSv13-draft23"), (0x7E01, "unknown-32257")],
)
def test_versions_are_named_as_zeek_names_them(code, name):
    assert names.version_name(code) == name


def test_exactly_sixteen_codes_are_grease():
    assert [f"{code:04x}" for code in range(0x10000) if code in names.GREASE] == [
        f"{d}a{d}a" for d in "0123456789abcdef"
    ]
