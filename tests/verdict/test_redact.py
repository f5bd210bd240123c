import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.verdict.redact import MARK, redact


@pytest.mark.parametrize(
    "line",
    [
        "tool --password=HIDE x",
        "tool --password HIDE x",
        'tool --password "HIDE" x',
        "tool /password:HIDE",
        "tool DB_PASSWORD=HIDE",
        "tool -ApiKey HIDE",
        'tool {"access_token": "HIDE"}',
        'curl -H "Authorization: Bearer HIDE" https://a',
        'curl -H "Authorization: Basic HIDE=="',
        "curl https://user:HIDE@example.org/x",
        "curl -u bob:HIDE https://a",
        "smbclient -U bob%HIDE //a/b",
        "psexec \\\\a -u bob -p HIDE cmd",
        "plink -pw HIDE host",
    ],
)
def test_what_is_named_as_a_secret_is_replaced(line):
    assert "HIDE" not in redact(line)
    assert MARK in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        r"C:\Windows\System32\svchost.exe -k netsvcs -p -s wuauserv",
        "powershell -ep bypass -File a.ps1",
        "ssh -p 2222 host",
        "curl https://example.org/passwords?page=2",
        r'"C:\Program Files\Acme\acme.exe" --type=renderer --lang=de',
        "",
    ],
)
def test_what_tells_no_secret_stays(line):
    assert redact(line) == line


@pytest.mark.parametrize("piece", ["a", "password", "-p ", "x://a:", "-u a", '="', "password='"])
def test_redaction_takes_time_in_proportion_to_the_line(piece):
    start = time.process_time()
    redact(piece * (200_000 // len(piece)))
    assert time.process_time() - start < 5.0


@given(st.text())
def test_any_line_can_be_redacted(line):
    assert isinstance(redact(line), str)
