"""Network connections as Sysmon writes them, in flat JSON."""

import json


def connection(n: int, event_id: int = 3, host: str = "PC1") -> str:
    """The `n`th connection of one process, told apart by its source port, 50000 + `n`; one line."""
    sides = {"SourceIp": "10.0.0.1", "SourcePort": 50000 + n, "DestinationIp": "203.0.113.5", "DestinationPort": 443}
    guid = "{aaaa0001-f09c-6553-0001-000000000500}"
    process = {"ProcessGuid": guid, "ProcessId": 1004, "Image": r"C:\app.exe", "Protocol": "tcp", "Initiated": "true"}
    about = {"EventID": event_id, "SourceName": "Microsoft-Windows-Sysmon", "Hostname": host}
    return json.dumps(about | {"UtcTime": "2023-11-14 22:13:20.000"} | process | sides) + "\n"
