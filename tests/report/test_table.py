import pytest

from enricher.report import HEADINGS, Row, ledger, ledger_rows, rows


def test_a_row_says_who_what_where_why_how_bad_and_which_legs(make):
    evidence = (make.evidence(), make.evidence(id="known", weight=-9), make.evidence(id="tls_stack", weight=10))
    assert rows([make.notice(count=2, evidence=evidence)]) == [
        Row(
            severity="high 88",
            who="a.exe (42, bob)",
            what="2 sessions to 203.0.113.7:443 (example.org)",
            where="ws1",
            why="unsigned, tls_stack",
            legs="process+ library- session?",
        )
    ]
    assert Row._fields == HEADINGS


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"process": None, "candidates": (r"C:\a.exe", r"C:\b.exe")}, "a.exe or b.exe"),
        ({"process": None}, "not known"),
    ],
)
def test_a_row_without_process_says_so(changes, who, make):
    assert rows([make.notice(**changes)])[0].who == who


def test_a_process_without_name_pid_and_user_is_still_told(make):
    process = make.process(image=None, pid=None, user=None)
    assert rows([make.notice(process=process, host=None)])[0][1:4:2] == ("without a name", "10.0.0.5")


def test_hostile_text_does_not_reach_the_table_as_controls(make):
    process = make.process(image="C:\\a\x1b[2J.exe", user="CORP\\b\n")
    assert rows([make.notice(process=process)])[0].who == r"a\x1b[2J.exe (42, b\x0a)"


def test_the_ledger_counts_every_disposition_and_the_rate_of_hosts_that_report(make):
    found = ledger(
        [
            make.row(),
            make.row(disposition="no_network_event"),
            make.row(host="ws2"),
            make.row(disposition="host_unseen", host=None, reports_network=False),
            make.row(disposition="no_network_event", host="silent", reports_network=False),
        ]
    )
    assert found.sessions == 5
    assert found.dispositions == {
        "matched": 2,
        "ambiguous": 0,
        "late": 0,
        "no_network_event": 2,
        "host_unseen": 1,
    }
    assert found.hosts == (("ws1", 1, 2), ("ws2", 1, 1))
    assert found.attribution == pytest.approx(2 / 3)
    assert ledger_rows(found) == [
        ("sessions", "5"),
        ("matched", "2"),
        ("ambiguous", "0"),
        ("late", "0"),
        ("no network event", "2"),
        ("host unseen", "1"),
        ("attributed", "2 of 3 (67%)"),
        ("attributed on ws1", "1 of 2 (50%)"),
        ("attributed on ws2", "1 of 1 (100%)"),
    ]


def test_an_empty_ledger_has_no_rate(make):
    found = ledger([])
    assert found.attribution is None
    assert ("attributed", "no host reports network events") in ledger_rows(found)
