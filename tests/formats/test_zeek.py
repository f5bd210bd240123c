"""Zeek's logs become Observations, certificates and connections; unknown stays unknown."""

import json

import msgspec
import pytest

from enricher import formats
from enricher.model.observation import CertificateRecord, ConnectionRecord, Observation

HEAD = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n#open\t2026-03-01\n"


def tsv(path, rows, types=None):
    """A log of these rows, whose columns are the first row's keys."""
    names = list(rows[0])
    kinds = [(types or {}).get(n, "string") for n in names]
    lines = ["\t".join(row[n] for n in names) for row in rows]
    head = HEAD.format(path) + "#fields\t" + "\t".join(names) + "\n#types\t" + "\t".join(kinds) + "\n"
    return (head + "\n".join(lines) + "\n#close\t2026-03-01-11-00-00\n").encode()


ID = {"uid": "C1", "id.orig_h": "192.0.2.7", "id.orig_p": "49678", "id.resp_h": "198.51.100.9", "id.resp_p": "8443"}
SSL = (
    {"ts": "1772359200.250000"}
    | ID
    | {
        "version": "TLSv12",
        "cipher": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "curve": "-",
        "server_name": "c2.example",
        "resumed": "F",
        "established": "T",
        "ssl_history": "CsxknGIti",
        "cert_chain_fps": "aa,bb",
        "client_cert_chain_fps": "(empty)",
        "validation_status": "self-signed certificate",
    }
)
TYPES = {"cert_chain_fps": "vector[string]", "client_cert_chain_fps": "vector[string]"}
FINGERPRINT = "a2887e5ce608082096d8e9d1d02898540dd7e8dd45fc55126ed3c5ab89f241a5"


def ssl(read, **changes):
    result = read("zeek", tsv("ssl", [SSL | changes], TYPES))
    assert not result.problems
    (observation,) = result.out
    return observation


def test_ssl_log_gives_facts_and_no_judgement(read):
    assert ssl(read) == Observation(
        ts=1772359200.25,
        uid="C1",
        orig_h="192.0.2.7",
        orig_p=49678,
        resp_h="198.51.100.9",
        resp_p=8443,
        sensor="ssl.log",
        source="log:9",
        version="TLSv12",
        cipher="TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        server_name="c2.example",
        resumed=False,
        established=True,
        ssl_history="CsxknGIti",
        client_hello_seen=True,
        cert_visible=True,
        cert_chain_fps=("aa", "bb"),
        client_cert_chain_fps=(),
        validation_status="self-signed certificate",
        validation_code=18,
    )


def test_json_gives_what_tsv_gives(read):
    row = SSL | {"ts": 1772359200.25, "id.orig_p": 49678, "id.resp_p": 8443, "resumed": False, "established": True}
    row |= {"cert_chain_fps": ["aa", "bb"], "client_cert_chain_fps": []}
    del row["curve"]
    data = (json.dumps(row) + "\n").encode()
    assert formats.recognise(data) == "zeek"
    (observation,) = read("zeek", data).out
    assert msgspec.structs.replace(observation, source="log:9") == ssl(read)
    iso = data.replace(b"1772359200.25", b'"2026-03-01T10:00:00.250000Z"')
    assert read("zeek", iso).out == [observation]


@pytest.mark.parametrize(
    ("established", "history", "meant"),
    [
        ("T", "CsG", True),
        ("F", "CsL", False),
        ("F", "sxknti", None),
        ("F", "CCL", None),
        ("F", "-", None),
        ("-", "Cs", None),
    ],
)
def test_a_failed_handshake_is_failed_only_if_both_sides_were_seen(read, established, history, meant):
    assert ssl(read, established=established, ssl_history=history).established is meant


@pytest.mark.parametrize(("history", "meant"), [("Cs", True), ("^sx", False), ("-", None)])
def test_the_client_hello_is_seen_unseen_or_unknown(read, history, meant):
    assert ssl(read, ssl_history=history).client_hello_seen is meant


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({}, True),
        ({"cert_chain_fps": "(empty)", "version": "TLSv13"}, False),
        ({"cert_chain_fps": "-", "resumed": "T"}, False),
        ({"cert_chain_fps": "-", "established": "F", "ssl_history": "Cs"}, None),
    ],
)
def test_a_certificate_is_visible_hidden_or_unknown(read, changes, meant):
    assert ssl(read, **changes).cert_visible is meant


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("ok", 0),
        ("self signed certificate", 18),
        ("self-signed certificate in certificate chain", 19),
        ("unable to get local issuer certificate", 20),
        ("unable to verify the first certificate", 21),
        ("certificate has expired", None),
        ("something new", None),
    ],
)
def test_the_validation_text_is_kept_and_its_code_found(read, words, code):
    observation = ssl(read, validation_status=words)
    assert (observation.validation_status, observation.validation_code) == (words, code)


def test_logs_before_fingerprints_are_read(read):
    row = {k: v for k, v in SSL.items() if k not in ("cert_chain_fps", "client_cert_chain_fps", "ssl_history")}
    row |= {"cert_chain_fuids": "FaFa1,FbFb2", "subject": "CN=c2", "issuer": "CN=ca"}
    (observation,) = read("zeek", tsv("ssl", [row], {"cert_chain_fuids": "vector[string]"})).out
    assert (observation.cert_visible, observation.cert_subject, observation.cert_issuer) == (True, "CN=c2", "CN=ca")


def test_escapes_are_decoded_after_elements_are_split(read):
    observation = ssl(read, server_name=r"a\x09b\xff\\x41", cert_chain_fps=r"a\x2cb,c")
    assert observation.server_name == "a\tb�\\x41"
    assert observation.cert_chain_fps == ("a,b", "c")


def test_dtls_runs_over_udp(read):
    assert ssl(read, version="DTLSv12").proto == "udp"


def test_another_separator_and_other_marks_are_honoured(read):
    data = (
        b"#separator |\n#set_separator|;\n#empty_field|E\n#unset_field|N\n#path|ssl\n"
        b"#fields|ts|uid|id.orig_h|id.orig_p|id.resp_h|id.resp_p|server_name|cert_chain_fps\n"
        b"#types|time|string|addr|port|addr|port|string|vector[string]\n"
        b"1.5|C1|192.0.2.1|1|192.0.2.2|443|N|aa;bb\n"
    )
    (observation,) = read("zeek", data).out
    assert (observation.server_name, observation.cert_chain_fps) == (None, ("aa", "bb"))


def test_a_row_without_what_an_observation_needs_is_counted(read):
    result = read("zeek", tsv("ssl", [SSL | {"id.orig_h": "-"}, SSL | {"ts": "x"}]))
    assert (result.out, result.skipped) == ([], {"ssl.log: no usable id.orig_h": 1, "ssl.log: no usable ts": 1})


def test_a_row_with_the_wrong_number_of_values_is_a_problem_and_the_rest_is_read(read):
    data = tsv("ssl", [SSL]).replace(b"#close", b"1.5\tC2\n#close") + b"1.5\tC3"
    result = read("zeek", data)
    assert len(result.out) == 1
    assert result.problems == [
        "log:10: not a row of this log",
        "log:12: the input ends within a row; the file may still be written",
    ]


def test_x509_log_gives_certificates_under_their_fingerprint(read):
    row = {
        "ts": "1772359200.0",
        "fingerprint": FINGERPRINT.upper(),
        "certificate.version": "3",
        "certificate.serial": "C51E0A24F056B90D",
        "certificate.subject": "CN=c2.example",
        "certificate.issuer": "CN=c2.example",
        "certificate.not_valid_before": "-1.5",
        "certificate.not_valid_after": "1756255482.0",
        "certificate.key_length": "2048",
        "san.dns": "a.example,b.example",
        "basic_constraints.ca": "T",
    }
    result = read("zeek", tsv("x509", [row, row | {"fingerprint": "short"}], {"san.dns": "vector[string]"}))
    assert result.out == [
        CertificateRecord(
            fingerprint=FINGERPRINT,
            source="log:9",
            cert_version=3,
            cert_serial="C51E0A24F056B90D",
            cert_subject="CN=c2.example",
            cert_issuer="CN=c2.example",
            cert_not_valid_before=-1.5,
            cert_not_valid_after=1756255482.0,
            cert_key_length=2048,
            san_dns=("a.example", "b.example"),
            basic_constraints_ca=True,
        )
    ]
    assert result.skipped == {"x509.log: no SHA-256 fingerprint": 1}


def test_conn_log_gives_what_can_be_tls(read):
    base = {"ts": "1.5"} | ID | {"proto": "tcp", "service": "-", "history": "^hadf", "community_id": "1:x"}
    rows = [
        base,
        base | {"uid": "C2", "service": "irc"},
        base | {"uid": "C3", "proto": "udp", "service": "dns"},
        base | {"uid": "C4", "proto": "udp", "service": "quic,ssl"},
        base | {"uid": "C5", "proto": "icmp"},
    ]
    result = read("zeek", tsv("conn", rows))
    assert result.out[0] == ConnectionRecord(
        uid="C1", ts=1.5, proto="tcp", community_id="1:x", history="^hadf", source="log:9"
    )
    assert [c.uid for c in result.out] == ["C1", "C2", "C4"]
    assert result.skipped == {"conn.log: cannot be TLS": 1, "conn.log: neither TCP nor UDP": 1}


def test_our_own_observations_are_read_back_as_they_were_written(read):
    observation = Observation(
        ts=1.5,
        uid="C1",
        orig_h="192.0.2.7",
        orig_p=1,
        resp_h="2001:db8::1",
        resp_p=443,
        proto="udp",
        source="capture:7",
        cert_chain_fps=("aa",),
        cert_not_valid_before=3.0,
        san_dns=("a", "b"),
        anomalies=("no_sni", "self_signed"),
        anomaly_facts=("x", "y"),
        sni_matches_cert=False,
    )
    (again,) = read("zeek", msgspec.json.encode(msgspec.structs.replace(observation, sensor="zeek")) + b"\n").out
    assert again == msgspec.structs.replace(observation, sensor="zeek", source="log:1")


def test_an1496_log_as_tsv_keeps_its_anomalies(read):
    row = {"ts": "1.5"} | ID | {"certificate.subject": "CN=x", "anomalies": "no_sni,self_signed"}
    (observation,) = read("zeek", tsv("an1496", [row], {"anomalies": "vector[string]"})).out
    assert (observation.sensor, observation.cert_subject) == ("an1496.log", "CN=x")
    assert observation.anomalies == ("no_sni", "self_signed")


def test_other_logs_are_recognised_and_counted_and_several_may_stand_in_one_input(read):
    dns = tsv("dns", [{"ts": "1.5"} | ID | {"query": "x"}])
    assert formats.recognise(dns) == "zeek"
    result = read("zeek", dns + tsv("ssl", [SSL], TYPES))
    assert len(result.out) == 1
    assert result.skipped == {"dns.log: not needed": 1}
