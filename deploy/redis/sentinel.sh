#!/bin/sh
# A sentinel writes what it learns into its configuration: made once, then kept in the volume.
set -eu
conf=${DATA_DIR:-/data}/sentinel.conf
if [ ! -e "$conf" ]; then
  umask 077
  cat >"$conf.new" <<CONF
port ${PORT:-26379}
dir ${DATA_DIR:-/data}
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor heliograph ${PRIMARY_HOST:-redis-primary} ${PRIMARY_PORT:-6379} 2
sentinel auth-pass heliograph $(cat "${SECRETS:-/run/secrets}/redis-password")
sentinel down-after-milliseconds heliograph 2000
sentinel failover-timeout heliograph 10000
CONF
  mv "$conf.new" "$conf"
fi
exec redis-server "$conf" --sentinel "$@"
