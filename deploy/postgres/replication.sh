#!/usr/bin/env bash
# Run by the image, once, when the primary's data directory is new: lets the standby in, and from the next start on lets
# commits wait for it. Not before: there is no standby yet, and the image's own first commits would wait for ever.
set -euo pipefail

# psql quotes the password itself; it reaches it by standard input, so that no list of processes shows it.
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set password \`cat "${SECRETS:-/run/secrets}/replication-password"\`
CREATE ROLE replicator WITH REPLICATION LOGIN PASSWORD :'password';
ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)';
SQL

echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
