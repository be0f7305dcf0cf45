import { readdirSync, readFileSync } from 'node:fs'
import { ActorError } from '../../runtime/index.js'
import type { PostgresServer, Statement } from './server.js'

/** One file of migrations/: `0001-accounts.sql` is version 1. Never changed once it was released. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

const folder = new URL('./migrations/', import.meta.url)

export function migrations(): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => /^[0-9]{4}-[a-z0-9-]+\.sql$/.test(name))
  return names.sort().map((name) => ({
    version: Number(name.slice(0, 4)),
    name: name.slice(5, -4),
    sql: readFileSync(new URL(name, folder), 'utf8'),
  }))
}

/** The version of the tables that this program works with. */
export const schemaVersion = migrations().length

const READ_VERSION: Statement = {
  name: 'read_version',
  text: `SELECT coalesce(max(version), 0)::integer AS version FROM schema_version`,
}

/** Rejects with REFUSED (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW) when the server's tables are not this program's. */
export async function checkSchema(server: PostgresServer): Promise<void> {
  checkVersion(server.name, await versionOf(server))
}

/** Throws REFUSED (SCHEMA_TOO_OLD, SCHEMA_TOO_NEW). */
export function checkVersion(server: string, version: number): void {
  if (version === schemaVersion) return
  const said = `The tables of ${server} have version ${version}, this program works with ${schemaVersion}:`
  if (version < schemaVersion)
    refuse('SCHEMA_TOO_OLD', `${said} run \`npx heliograph schema\` (the same as \`npm run migrate\`), then this again`)
  refuse('SCHEMA_TOO_NEW', `${said} run the newer program`)
}

async function versionOf(server: PostgresServer): Promise<number> {
  try {
    const [row] = await server.read<{ version: number }>(READ_VERSION, [])
    return row?.version ?? 0
  } catch (error) {
    if (isUndefinedTable((error as Error).cause)) return 0
    throw error
  }
}

export function isUndefinedTable(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === '42P01'
}

function refuse(reason: string, message: string): never {
  throw new ActorError('REFUSED', message, { reason })
}
