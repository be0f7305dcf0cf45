import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type EmbeddedData, openEmbeddedData } from '../../storage/index.js'
import { withAttempts } from '../migration/attempts.js'
import { contentsOf } from '../migration/contents.js'
import { migrate } from '../migration/migration.js'
import { openServers } from '../migration/target.js'
import { type Verification, verify } from '../migration/verification.js'
import { type CommandContext, WrongUsage } from './command.js'
import { allServers } from './servers.js'

interface Options {
  readonly from: string
  readonly dryRun: boolean
  readonly verifyOnly: boolean
}

/** The files of a data directory that the servers do not take over. */
const keyFiles = ['server-key.pem', 'access-hash.key']

/** What the command `migrate` does; migrate-command.ts tells of it. */
export async function runMigration(args: readonly string[], context: CommandContext): Promise<number> {
  const options = readOptions(args)
  const servers = options.dryRun ? undefined : allServers(context)
  const { clock, log } = context
  const data = await openEmbeddedData({ directory: options.from, clock, log })
  const source = { ...data, journals: withAttempts(data.journals) }
  try {
    return servers ? await copyAndCompare(options, source, servers, context) : tellContents(source, context)
  } finally {
    await data.close()
  }
}

function readOptions(args: readonly string[]): Options {
  const boolean = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { from: { type: 'string' }, 'dry-run': boolean, 'verify-only': boolean },
    })
    const { from, 'dry-run': dryRun = false, 'verify-only': verifyOnly = false } = values
    if (from === undefined) throw new WrongUsage('migrate needs --from: the data directory to copy.')
    if (dryRun && verifyOnly) throw new WrongUsage('Give --dry-run or --verify-only.')
    return { from, dryRun, verifyOnly }
  } catch (error) {
    throw error instanceof WrongUsage ? error : new WrongUsage((error as Error).message)
  }
}

function tellContents(source: EmbeddedData, { say }: CommandContext): number {
  const { kinds, names, accounts } = contentsOf(source)
  for (const [kind, { actors, entries, bytes, rows }] of kinds) {
    say(`${kind}: ${actors} actors, ${entries} entries (${(bytes / 1e6).toFixed(1)} MB), ${rows} derived rows`)
  }
  say(`${names} names, ${accounts} account rows; epoch ${source.epoch}, ${source.shardCount} shards`)
  say('Nothing was copied.')
  return 0
}

async function copyAndCompare(
  { from, verifyOnly }: Options,
  source: EmbeddedData,
  servers: ReturnType<typeof allServers>,
  context: CommandContext,
): Promise<number> {
  const { clock, random, log, say } = context
  const formerEpoch = source.epoch
  const shardCount = source.shardCount
  const target = await openServers({ ...servers, shardCount, formerEpoch, clock, random, log })
  try {
    if (!verifyOnly) {
      const copied = await migrate({ source, target, fingerprint: fingerprintOf(from), clock, say })
      say(`Copied: ${copied.actors} actors with ${copied.entries} entries.`)
    }
    const verification = await verify({ source, target, clock, random, say })
    tell(verification, from, say)
    return verification.differences.count === 0 ? 0 : 1
  } finally {
    await target.close()
  }
}

/** The server's public key: every directory that was started on has one of its own. */
function fingerprintOf(directory: string): string {
  const path = join(directory, 'server-key.pub.pem')
  return createHash('sha256')
    .update(existsSync(path) ? readFileSync(path) : '')
    .digest('hex')
}

function tell(verification: Verification, directory: string, say: (line: string) => void): void {
  const { actors, entries, rows, reminders, names, accountRows, accounts, answers, unknownKinds } = verification
  say(`Compared: ${actors} actors, ${entries} entries, ${rows} derived rows, ${reminders} reminders,`)
  say(`  ${names} names, ${accountRows} account rows, ${answers} answers of ${accounts} accounts.`)
  for (const kind of unknownKinds) say(`This program has no actor ${kind}: its entries were compared, not its states.`)
  const { count, first } = verification.differences
  if (count === 0) {
    say('No difference.')
    say(`The keys stay in ${directory} (${keyFiles.join(', ')}): every gateway needs these same files.`)
    return
  }
  for (const line of first) say(`  ${line}`)
  say(`${count} differences${count > first.length ? `, the first ${first.length} are shown` : ''}.`)
}
