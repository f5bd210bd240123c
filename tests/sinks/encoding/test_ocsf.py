"""OCSF held to the schema that its authors publish."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from enricher.sinks.encoding import ENCODINGS, Origin
from enricher.sinks.encoding.ocsf import CLASS, VERSION

ORIGIN = Origin("sensor-1", "1.2.3")


@pytest.fixture(scope="module")
def schema() -> Any:
    """Deprecated attributes are taken out, so that a record that uses one does not pass."""
    published = OcsfJsonSchemaEmbedded(get_ocsf_schema(VERSION))
    whole = published.get_class_schema(published.lookup_class_name_from_uid(CLASS))
    for part in (whole, *whole["$defs"].values()):
        part["properties"] = {k: v for k, v in part["properties"].items() if not v.get("deprecated")}
    return jsonschema_rs.validator_for(whole)


def finding(notice: Any) -> Any:
    return json.loads(ENCODINGS["ocsf"].encode(notice, ORIGIN))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_notice_is_a_valid_detection_finding(schema: Any, notices: Any, data: Any) -> None:
    found = finding(data.draw(notices))
    assert [str(error) for error in schema.iter_errors(found)] == []


def mistold(told: dict[str, Any], attributes: dict[str, Any], published: dict[str, Any]) -> Iterator[str]:
    """Names beside numbers, at any depth, that are not those of the schema's enumerations."""
    for key, value in told.items():
        about = {**published["dictionary"]["attributes"].get(key, {}), **attributes[key]}
        beside = told.get(about.get("sibling", ""))
        if beside is not None and value != 99 and beside != about["enum"][str(value)]["caption"]:
            yield f"{key} {value} is not {beside}"
        if about.get("object_type", "object") != "object":
            for item in value if isinstance(value, list) else [value]:
                yield from mistold(item, published["objects"][about["object_type"]]["attributes"], published)


@pytest.fixture(scope="module")
def published() -> Any:
    return get_ocsf_schema(VERSION)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_name_beside_a_number_is_the_schemas(notices: Any, published: Any, data: Any) -> None:
    found = finding(data.draw(notices))
    wrong = list(mistold(found, published["classes"]["detection_finding"]["attributes"], published))
    assert wrong == []


def test_tls_process_evidence_and_attack_are_filled(whole: Any, schema: Any) -> None:
    found = finding(whole)
    assert schema.is_valid(found)
    process, session = found["evidences"]
    assert process["process"]["cmd_line"] == whole.process.command_line
    assert process["process"]["parent_process"]["path"] == r"C:\Windows\explorer.exe"
    assert {h["algorithm"] for h in process["process"]["file"]["hashes"]} == {"MD5", "SHA-1", "SHA-256", "Imphash"}
    assert process["data"]["evidence"][0]["id"] == "unsigned"
    assert session["connection_info"]["community_uid"] == "1:abc="
    tls = session["tls"]
    assert (tls["version"], tls["sni"], tls["cipher"]) == ("TLSv12", "example.org", "TLS_RSA_WITH_AES_128_CBC_SHA")
    assert tls["certificate"]["is_self_signed"] is True and tls["certificate"]["serial_number"] == "0A0B"
    attack = found["finding_info"]["attacks"][0]
    assert (attack["tactic"]["uid"], attack["sub_technique"]["uid"]) == ("TA0011", "T1573.002")
    assert found["unmapped"]["disposition"] == ["late"] and len(found["unmapped"]["unseen"]) == 2


def test_a_later_revision_updates_the_finding(whole: Any) -> None:
    first, second = finding(msgspec.structs.replace(whole, revision=1)), finding(whole)
    assert (first["activity_id"], first["type_uid"], first["metadata"]["sequence"]) == (1, 200401, 1)
    assert (second["activity_id"], second["type_uid"], second["metadata"]["sequence"]) == (2, 200402, 2)
    assert first["finding_info"]["uid"] == second["finding_info"]["uid"] == whole.id


def test_a_process_without_a_number_is_told_as_its_file(whole: Any, schema: Any) -> None:
    process = msgspec.structs.replace(whole.process, guid=None, pid=None)
    found = finding(msgspec.structs.replace(whole, process=process))
    assert schema.is_valid(found)
    assert "process" not in found["evidences"][0] and found["evidences"][0]["file"]["name"] == "a.exe"


def test_a_session_seen_the_wrong_way_round_is_told_from_its_client(whole: Any) -> None:
    seen = whole.sessions[0]
    flipped = msgspec.structs.replace(
        seen, orig_h=seen.resp_h, orig_p=seen.resp_p, resp_h=seen.orig_h, resp_p=seen.orig_p
    )
    evidence = finding(msgspec.structs.replace(whole, sessions=(flipped,)))["evidences"][1]
    assert (evidence["src_endpoint"]["ip"], evidence["dst_endpoint"]["port"]) == ("10.0.0.5", 443)


def test_what_the_schema_demands_and_nobody_saw_takes_its_object_with_it(whole: Any, schema: Any) -> None:
    server = msgspec.structs.replace(whole.server, serial=None)
    parent = msgspec.structs.replace(whole.process.parent, guid=None, pid=None)
    process = msgspec.structs.replace(whole.process, parent=parent)
    found = finding(msgspec.structs.replace(whole, server=server, process=process))
    assert schema.is_valid(found)
    told, session = found["evidences"]
    assert "certificate" not in session["tls"] and "parent_process" not in told["process"]
    assert found["unmapped"]["server_certificate_sha256"] == "12" * 32
    assert told["process"]["xattributes"]["parent_image"] == r"C:\Windows\explorer.exe"
