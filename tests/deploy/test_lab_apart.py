"""The lab without a hypervisor: its three machines are three addresses of one network that nobody else sees.

The scripts' own functions set up Redis, the enricher and the server, over a layer that hides what they change. Not
here: packages, Zeek's control, systemd (its units' commands are run), and Windows, which is played.
"""

import json
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from shown import ROOT, clone, enter

LAYER = """
mkdir layer
mount -t tmpfs tmpfs layer
for place in etc opt usr/local var/lib; do
  mkdir -p layer/$place/{over,work}
  mount -t overlay overlay -o "lowerdir=/$place,upperdir=layer/$place/over,workdir=layer/$place/work" /$place
done
mount -t tmpfs tmpfs /run
ip link set lo up
for machine in 10 20 30; do ip address add 192.168.56.$machine/32 dev lo; done
"""
LAB = f"""
mkdir -p bin /usr/local/src/an1496
printf '#!/bin/sh\\necho "$@" >>asked\\n' >bin/systemctl
chmod +x bin/systemctl
export PATH=$PWD/bin:$PATH REPO=/usr/local/src/an1496
(cd {ROOT} && cp -r docs enricher deploy pyproject.toml README.md LICENSE "$REPO")

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
    """A folder that looks like a clone, where this machine lets a layer be put over its folders."""
    pytest.importorskip("setuptools", minversion="77", reason="what builds the package is not at hand")
    clone(tmp_path)
    takes = "command -v redis-server openssl; test -f /etc/redis/redis.conf; getent group redis"
    tried = subprocess.run(
        ["unshare", "--mount", "--net", "bash", "-euc", f"{LAYER}\n{takes}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if tried.returncode:
        pytest.skip(f"takes root, overlays, iproute2, openssl and Debian's redis-server: {tried.stderr}")
    (tmp_path / "layer").rmdir()
    return tmp_path


def test_a_session_on_windows_ends_in_a_notice_on_the_sensor(machine: Path) -> None:
    offline = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # a negated option
        "PYTHONPATH": sysconfig.get_path("purelib"),  # what the package takes
    }
    script = LAYER + LAB + WINDOWS.format(windows=PLAYED)
    notice = json.loads(enter(script, machine, "unshare", "--mount", "--net", **offline).splitlines()[-1])
    assert notice["host"] == "windows"
    assert notice["process"]["image"].endswith("powershell.exe")
    assert notice["server"]["subject"] == "CN=update.lab.example"
    assert (notice["legs"]["process"], notice["legs"]["library"], notice["legs"]["session"]) == ("present",) * 3
    assert {"self_signed", "runs_foreign_code"} <= {each["id"] for each in notice["evidence"]}
