#!/usr/bin/env bash
# A server whose certificate nobody vouches for. `server.sh FOLDER certificate` makes the certificate only.
set -euo pipefail

certificate() {
  install -d -m 700 "$1"
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj '/CN=update.lab.example' \
    -keyout "$1/key.pem" -out "$1/certificate.pem" 2>/dev/null
}

serve() {
  cat >/etc/systemd/system/lab-tls.service <<UNIT
[Service]
ExecStart=/usr/bin/openssl s_server -accept 8443 -www -tls1_2 -cert $1/certificate.pem -key $1/key.pem
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable --now lab-tls
}

folder=${1:-/etc/lab-tls}
certificate "$folder"
if [[ ${2:-all} != certificate ]]; then serve "$folder"; fi
