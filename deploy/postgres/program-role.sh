#!/usr/bin/env bash
# Run by the image, once, when the primary's data directory is new: the program gets a role of its own. It is no
# superuser, and may not open all connections, so that an operator gets in whatever the program does.
set -euo pipefail

# psql quotes the password itself; it reaches it by standard input, so that no list of processes shows it.
password=${PROGRAM_PASSWORD:-$(cat "${SECRETS:-/run/secrets}/postgres-password")}
export password
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set password \`printf %s "\$password"\`
CREATE ROLE heliograph WITH LOGIN PASSWORD :'password' CONNECTION LIMIT 80 ${PROGRAM_MAY:-};
ALTER DATABASE "$POSTGRES_DB" OWNER TO heliograph;
SQL
