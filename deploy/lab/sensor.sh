#!/usr/bin/env bash
# The sensor: Zeek from its official packages, our scripts by zkg, Redis, and the enricher by systemd.
# Takes REDIS_PASSWORD (for Winlogbeat) and STORE_PASSWORD (for the enricher) from the environment.
set -euo pipefail

REPO=${REPO:-/vagrant}
LISTEN=${LISTEN:-192.168.56.10}
INTERFACE=${INTERFACE:-eth1}

# Redis' users. Winlogbeat knows no user names: it is `default`, which may append to one list.
acl() {
  printf 'user default reset on >%s ~winlogbeat +ping +info +select +rpush\n' "$REDIS_PASSWORD"
  printf 'user an1496 reset on >%s ~an1496:live:* ~winlogbeat ~winlogbeat:an1496:* %s\n' "$STORE_PASSWORD" \
    '+ping +select +zadd +zremrangebyrank +expire +pfadd +pfcount +zrange +zrangebyscore +zrangebylex +zrevrangebylex +zcard +zscore +zrem +zremrangebyscore +hset +hdel +hgetall +get +set +del +eval +lmove +lrange +lrem +llen'
}

packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq ca-certificates curl git gpg python3-venv redis-server
  local repository=https://download.opensuse.org/repositories/security:/zeek/Debian_12
  curl -fsSL "$repository/Release.key" | gpg --dearmor --yes -o /usr/share/keyrings/zeek.gpg
  echo "deb [signed-by=/usr/share/keyrings/zeek.gpg] $repository/ /" >/etc/apt/sources.list.d/zeek.list
  apt-get update -qq
  apt-get install -y -qq zeek-8.0
}

redis() {
  (umask 027 && acl >/etc/redis/users.acl)
  chgrp redis /etc/redis/users.acl
  printf '%s\n' "bind 127.0.0.1 $LISTEN" 'appendonly yes' 'aclfile /etc/redis/users.acl' >/etc/redis/lab.conf
  grep -q '^include /etc/redis/lab.conf' /etc/redis/redis.conf ||
    echo 'include /etc/redis/lab.conf' >>/etc/redis/redis.conf
  systemctl restart redis-server
}

scripts() {
  export PATH=/opt/zeek/bin:$PATH
  # A clone: what is not committed in the shared folder would stop zkg.
  git -c safe.directory='*' clone -q "$REPO" /opt/an1496-source 2>/dev/null ||
    git -c safe.directory='*' -C /opt/an1496-source pull -q
  zkg autoconfig --force
  zkg install --force --skiptests /opt/an1496-source
  grep -q '^@load packages' /opt/zeek/share/zeek/site/local.zeek ||
    echo '@load packages' >>/opt/zeek/share/zeek/site/local.zeek
  printf '[zeek]\ntype=standalone\nhost=localhost\ninterface=%s\n' "$INTERFACE" >/opt/zeek/etc/node.cfg
  ip link set "$INTERFACE" promisc on
  zeekctl deploy
}

enricher() {
  python3 -m venv /opt/an1496
  /opt/an1496/bin/pip install --quiet "$REPO"
  install -d -m 755 /etc/an1496
  install -m 644 "$REPO/deploy/an1496.toml" /etc/an1496/an1496.toml
  (umask 077 && printf '%s\n' "$STORE_PASSWORD" >/etc/an1496/redis-password)
  install -m 644 "$REPO/deploy/systemd/an1496.service" /etc/systemd/system/an1496.service
  # Zeek's logs are for its group only.
  install -d /etc/systemd/system/an1496.service.d
  printf '[Service]\nSupplementaryGroups=zeek\n' >/etc/systemd/system/an1496.service.d/zeek.conf
  systemctl daemon-reload
  systemctl enable --now an1496
}

main() {
  packages
  redis
  scripts
  enricher
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
