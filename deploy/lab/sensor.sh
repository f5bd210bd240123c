#!/usr/bin/env bash
# The sensor of the lab, on Debian 12: routes between the Windows host and the server, Zeek with this package watches what passes,
# Redis takes what Winlogbeat sends, and the service joins both. Root.
set -euo pipefail
# shellcheck source=deploy/lab/lab.env
. /vagrant/deploy/lab/lab.env
export DEBIAN_FRONTEND=noninteractive

sysctl -qw net.ipv4.ip_forward=1
echo net.ipv4.ip_forward=1 > /etc/sysctl.d/60-lab.conf

apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl gnupg git python3-venv redis-server redis-tools

# Zeek from its official packages.
repository=https://download.opensuse.org/repositories/security:/zeek/Debian_12
curl -fsSL "$repository/Release.key" | gpg --dearmor > /etc/apt/trusted.gpg.d/zeek.gpg
echo "deb $repository/ /" > /etc/apt/sources.list.d/zeek.list
apt-get update -qq
apt-get install -y -qq zeek-8.0
export PATH=/opt/zeek/bin:$PATH

# A clone, not the shared folder: zkg and pip want one that belongs to root.
git config --global --add safe.directory /vagrant/.git
rm -rf /opt/an1496-source
git clone -q /vagrant /opt/an1496-source

zkg autoconfig --force
zkg install --force --skiptests /opt/an1496-source
outside=$(ip -o -4 addr show to "$GATEWAY" | awk '{ print $2 }')
printf '[zeek]\ntype=standalone\nhost=localhost\ninterface=%s\n' "$outside" > /opt/zeek/etc/node.cfg
grep -q '@load packages' /opt/zeek/share/zeek/site/local.zeek || echo '@load packages' >> /opt/zeek/share/zeek/site/local.zeek
zeekctl deploy

python3 -m venv /opt/an1496
/opt/an1496/bin/pip install -q /opt/an1496-source

/opt/an1496-source/deploy/lab/render.sh /opt/an1496-source /
sed -i -e '/^bind /d' -e '/^aclfile /d' /etc/redis/redis.conf
printf 'bind 127.0.0.1 %s\naclfile /etc/redis/users.acl\nappendonly yes\n' "$SENSOR" >> /etc/redis/redis.conf
chown redis:redis /etc/redis/users.acl
systemctl restart redis-server

systemctl daemon-reload
systemctl enable --now an1496
