"""Writes manifest.toml: what each case must give, from what the script did."""

import json
from pathlib import Path
from typing import Any


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _table(header: str, table: dict[str, Any]) -> list[str]:
    return [header, *(f"{k} = {_value(v)}" for k, v in table.items()), ""]


def write(path: Path, versions: dict[str, str], cases: list[dict[str, Any]]) -> None:
    lines = ["# Made by make.py together with the captures. Ground truth: what was done, not what our code finds.", ""]
    lines += _table("[stacks]", versions)
    for case in cases:
        lists = [k for k in ("session", "notice") if case[k]]
        lines += _table("[[case]]", {k: v for k, v in case.items() if k not in lists})
        for kind in lists:
            for entry in case[kind]:
                lines += _table(f"[[case.{kind}]]", entry)
    path.write_text("\n".join(lines), encoding="utf-8")
