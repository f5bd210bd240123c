"""What Windows hosts are told to send, and to whom, is what the service reads."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import yaml

from shown import unfolded

DOCS = Path(__file__).resolve().parents[2] / "docs"
FEEDING = (DOCS / "winlogbeat.md").read_text("utf-8")
SHIPPERS: list[dict[str, Any]] = [yaml.safe_load(b) for b in re.findall(r"```yaml\n(.*?)```", FEEDING, re.DOTALL)]
SOURCES: list[dict[str, Any]] = [
    source
    for text in re.findall(r"```toml\n(.*?)```|<<'END'\n(\[store\].*?)END\n", FEEDING, re.DOTALL)
    for source in tomllib.loads("".join(text))["sources"]
]


def test_shippers_write_where_the_service_reads() -> None:
    beats = [shipper for shipper in SHIPPERS if "outputs" not in shipper]
    (redis,) = [b["output.redis"] for b in beats if "output.redis" in b]
    kafka = [b["output.kafka"] for b in beats if "output.kafka" in b]
    kafka += [s["outputs"]["default"] for s in SHIPPERS if "outputs" in s]
    (listed,) = [s for s in SOURCES if s["type"] == "redis_list"]
    (topic,) = [s for s in SOURCES if s["type"] == "kafka"]
    assert (redis["datatype"], redis["key"], redis["db"]) == ("list", listed["key"], int(listed["url"][-1]))
    assert [(k["topic"], ",".join(k["hosts"]), k["sasl.mechanism"]) for k in kafka] == 2 * [
        (topic["topic"], topic["brokers"], topic["mechanism"])
    ]
    assert re.findall(r"(?:Topic|BrokerList|mechanisms) +(\S+)", FEEDING) == [
        topic["brokers"],
        topic["topic"],
        topic["mechanism"],
    ]


def test_every_shipper_sends_the_events_that_hosts_must_report() -> None:
    told = {
        number for row in re.findall(r"^\| (\d.*?) \|", FEEDING, re.MULTILINE) for number in re.findall(r"\d+", row)
    }
    sent = [*re.findall(r"event_id: (.*)", FEEDING), ",".join(re.findall(r"EventID=(\d+)", FEEDING))]
    assert [set(re.findall(r"\d+", ids)) for ids in sent] == 3 * [told]


def test_users_of_redis_have_the_rights_that_the_service_needs() -> None:
    live = unfolded((DOCS / "live.md").read_text("utf-8"))
    (store,) = re.findall(r"acl setuser an1496 (.*)", live)
    (of_list,) = re.findall(r"A Redis list needs `([^`]*)`", live)
    (given,) = re.findall(r"acl setuser an1496 (.*?)\nredis-cli", FEEDING, re.DOTALL)
    needed = {word for word in shlex.split(f"{store} {of_list}") if word.startswith("+")}
    assert {word for word in shlex.split(given) if word.startswith("+")} == needed
