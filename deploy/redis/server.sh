#!/bin/sh
# Redis as a cache: nothing on disk, the oldest goes when it is full. Further arguments are settings too.
set -eu
password=$(cat "${SECRETS:-/run/secrets}/redis-password")
# By standard input, so that no list of processes shows the password.
exec redis-server - "$@" <<CONF
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
requirepass $password
masterauth $password
${ANNOUNCE_HOST:+replica-announce-ip $ANNOUNCE_HOST}
CONF
