"""The lab without a hypervisor: its three machines are three addresses of one network that nobody else sees.

The scripts' own functions set up Redis, the enricher and the server, over a layer that hides what they change. Not
here: packages, Zeek's control, systemd (its units' commands are run), and Windows, which is played.
"""

import json
import shutil
from pathlib import Path

import pytest

from layered import OFFLINE, SOURCE, layer, prepared
from shown import enter

APART = ("unshare", "--mount", "--net")
LAYER = f"""{layer("etc", "opt", "usr/local", "var/lib")}
mount -t tmpfs tmpfs /run
ip link set lo up
for machine in 10 20 30; do ip address add 192.168.56.$machine/32 dev lo; done
"""
LAB = f"""
{SOURCE}
mkdir bin
printf '#!/bin/sh\\necho "$@" >>asked\\n' >bin/systemctl
chmod +x bin/systemctl
export PATH=$PWD/bin:$PATH REPO=/usr/local/src/an1496

bash deploy/lab/server.sh
$(sed -n 's/^ExecStart=//p' /etc/systemd/system/lab-tls.service) >/dev/null 2>&1 &

export REDIS_PASSWORD=beats-secret STORE_PASSWORD=store-secret
source deploy/lab/sensor.sh
redis
redis-server /etc/redis/redis.conf --daemonize no --dir "$PWD" --logfile redis.log --pidfile "$PWD/pid" &
enricher
install -d /opt/zeek/logs/current /run/credentials/an1496.service /var/lib/an1496
cp /etc/an1496/redis-password /run/credentials/an1496.service
if [[ -x /opt/zeek/bin/zeek ]]; then
  /opt/zeek/bin/zeek -i lo -C zeek_scripts Log::default_logdir=/opt/zeek/logs/current >/dev/null 2>&1 &
else
  /opt/an1496/bin/an1496 sense --interface lo >/opt/zeek/logs/current/an1496.log &
fi
until [[ $(cat /proc/net/packet | wc -l) -gt 1 ]]; do sleep 0.1; done
(cd /var/lib/an1496 && exec $(sed -n 's/^ExecStart=//p' /etc/systemd/system/an1496.service)) 2>service.log &
"""
WINDOWS = f"""
cat >windows.py <<'END'
{{windows}}
END
{shutil.which("python3")} windows.py
SECONDS_LEFT=40 bash deploy/lab/notice.sh || {{{{ cat service.log asked redis.log >&2; exit 1; }}}}
cat asked >&2
"""
PLAYED = r"""
import json, socket, ssl, subprocess, time
from datetime import datetime, timezone

from redis import Redis

client = ssl._create_unverified_context()
with socket.create_connection(("192.168.56.20", 8443), source_address=("192.168.56.30", 0)) as raw:
    port = raw.getsockname()[1]
    with client.wrap_socket(raw, server_hostname="update.lab.example") as end:
        time.sleep(0.2)

now = datetime.now(timezone.utc)
powershell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
process = {"ProcessGuid": "{a966a6f0-4acc-6b05-e10b-000000000600}", "ProcessId": "4242", "Image": powershell}
library = {"Signed": "true", "Signature": "Microsoft Windows", "SignatureStatus": "Valid"}
sides = {"Protocol": "tcp", "Initiated": "true", "SourceIp": "192.168.56.30", "SourcePort": str(port),
         "DestinationIp": "192.168.56.20", "DestinationPort": "8443"}
events = [
    (1, {"CommandLine": r"powershell.exe -File C:\lab\connect.ps1", "OriginalFileName": "PowerShell.EXE"}),
    (7, library | {"ImageLoaded": powershell}),
    (7, library | {"ImageLoaded": r"C:\Windows\System32\schannel.dll"}),
    (7, library | {"ImageLoaded": r"C:\Windows\System32\ncryptsslp.dll"}),
    (3, sides),
]
list_ = Redis("192.168.56.10", password="beats-secret")
for number, data in events:
    data |= process | {"UtcTime": now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]}
    winlog = {"channel": "Microsoft-Windows-Sysmon/Operational", "provider_name": "Microsoft-Windows-Sysmon",
              "event_id": str(number), "computer_name": "windows", "event_data": data}
    list_.rpush("winlogbeat", json.dumps({"@timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                                          "event": {"code": str(number)}, "winlog": winlog}))
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that looks like a clone."""
    script = f"{LAYER}\ncommand -v redis-server openssl; test -f /etc/redis/redis.conf; getent group redis"
    return prepared(tmp_path, script, APART, "root, overlays, iproute2, openssl and Debian's redis-server")


def test_a_session_on_windows_ends_in_a_notice_on_the_sensor(machine: Path) -> None:
    script = LAYER + LAB + WINDOWS.format(windows=PLAYED)
    notice = json.loads(enter(script, machine, *APART, **OFFLINE).splitlines()[-1])
    assert notice["host"] == "windows"
    assert notice["process"]["image"].endswith("powershell.exe")
    assert notice["server"]["subject"] == "CN=update.lab.example"
    assert (notice["legs"]["process"], notice["legs"]["library"], notice["legs"]["session"]) == ("present",) * 3
    assert {"self_signed", "runs_foreign_code"} <= {each["id"] for each in notice["evidence"]}
