#!/usr/bin/env bash
# Copies the primary when the data directory is new, then follows it. A copy that broke off is begun again.
set -euo pipefail

password=$(cat "${SECRETS:-/run/secrets}/replication-password")
if [ ! -e "$PGDATA/copied" ]; then
  find "$PGDATA" -mindepth 1 -delete
  chmod 700 "$PGDATA"
  PGPASSWORD=$password pg_basebackup --host "$PRIMARY_HOST" --port "${PRIMARY_PORT:-5432}" --username replicator \
    --pgdata "$PGDATA" --wal-method stream --write-recovery-conf
  touch "$PGDATA/copied"
fi
# cluster_name is what the primary knows the standby by.
exec postgres -D "$PGDATA" -c cluster_name=standby "$@"
