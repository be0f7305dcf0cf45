import {
  type ActorAddress,
  ActorError,
  decode,
  encode,
  type Journal,
  type Position,
  shardOf,
} from '../../runtime/index.js'
import type { ActorName } from '../../storage/index.js'
import type { MigrationTarget } from './target.js'

/**
 * What the target knows of the migration: a journal among the others, of a kind that no program activates.
 *
 * L1. Its first entry names the source; nothing was copied before it is durable. A target with actors and without it is
 *     somebody's data and stays as it is.
 * L2. An entry `copied` says that all actors up to one, in the order of the source, are there and durable.
 * L3. After `done` nothing is copied any more: a server may have been started since.
 */
export const logKind = 'migration'
const key = 'embedded'

export function logAddress(shardCount: number): ActorAddress {
  return { kind: logKind, key, shard: shardOf(logKind, key, shardCount) }
}

/** What was copied from: another start on the directory makes it another source. */
export interface MigrationSource {
  readonly fingerprint: string
  readonly epoch: number
}

export interface CopiedSoFar {
  /** The last actor of those that are certainly there. */
  readonly upTo?: ActorName
  readonly actors: number
  readonly entries: number
}

export type Fact =
  | { readonly type: 'begun'; readonly source: MigrationSource }
  | ({ readonly type: 'copied' } & CopiedSoFar)
  | { readonly type: 'done' }

export class MigrationLog {
  readonly #journal: Journal
  readonly #nowMs: () => number
  #head: Position
  #lastMs: number
  readonly soFar: CopiedSoFar
  readonly isDone: boolean

  private constructor(journal: Journal, nowMs: () => number, facts: readonly Fact[], head: Position, lastMs: number) {
    this.#journal = journal
    this.#nowMs = nowMs
    this.#head = head
    this.#lastMs = lastMs
    this.soFar = facts.findLast((fact) => fact.type === 'copied') ?? { actors: 0, entries: 0 }
    this.isDone = facts.some(({ type }) => type === 'done')
  }

  /**
   * Opens the log, or begins it on an empty target. Rejects with REFUSED: TARGET_NOT_EMPTY, OTHER_MIGRATION.
   */
  static async open(
    target: MigrationTarget,
    source: MigrationSource,
    shardCount: number,
    nowMs: () => number,
  ): Promise<MigrationLog> {
    if (!(await hasLog(target))) await checkEmpty(target)
    const request = { epoch: target.epoch, attempt: 1, mayKeepWriter: true }
    const { journal, tail } = await target.journals.open(logAddress(shardCount), request)
    const facts = tail.map(({ fact }) => decode(fact) as Fact)
    const last = tail.at(-1)
    const head = { pts: last?.pts ?? 0, ordinal: last?.ordinal ?? 0 }
    const log = new MigrationLog(journal, nowMs, facts, head, last?.atMs ?? 0)
    const begun = facts.find((fact) => fact.type === 'begun')
    if (begun === undefined) {
      await checkEmpty(target)
      await log.#append({ type: 'begun', source })
    } else if (begun.source.fingerprint !== source.fingerprint || begun.source.epoch !== source.epoch) {
      throw otherMigration(begun.source, source)
    }
    return log
  }

  async copied(soFar: CopiedSoFar): Promise<void> {
    await this.#append({ type: 'copied', ...soFar })
  }

  async done(): Promise<void> {
    await this.#append({ type: 'done' })
  }

  close(): void {
    this.#journal.close()
  }

  async #append(fact: Fact): Promise<void> {
    const pts = this.#head.pts + 1
    const atMs = Math.max(this.#lastMs, this.#nowMs())
    await this.#journal.commit({ entries: [{ pts, ordinal: 0, count: 1, atMs, fact: encode(fact) }] })
    this.#head = { pts, ordinal: 0 }
    this.#lastMs = atMs
  }
}

/** Rejects with REFUSED (NOT_MIGRATED) when no copy was brought to its end there. Writes nothing to what was never opened. */
export async function refuseUncopied(target: MigrationTarget, shardCount: number): Promise<void> {
  if (await hasLog(target)) {
    const { journal, tail } = await target.journals.open(logAddress(shardCount), {
      epoch: target.epoch,
      attempt: 1,
      mayKeepWriter: true,
    })
    journal.close()
    if (tail.some(({ fact }) => (decode(fact) as Fact).type === 'done')) return
  }
  throw new ActorError(
    'REFUSED',
    'There is no whole copy of a data directory to compare with: run npx heliograph migrate without --verify-only.',
    { reason: 'NOT_MIGRATED' },
  )
}

async function hasLog(target: MigrationTarget): Promise<boolean> {
  for await (const { kind } of target.actors()) if (kind === logKind) return true
  return false
}

/** Rejects with REFUSED (TARGET_NOT_EMPTY) when the target has actors that no migration put there. */
async function checkEmpty(target: Pick<MigrationTarget, 'actors' | 'rowCounts'>): Promise<void> {
  for await (const { kind, key } of target.actors()) {
    if (kind === logKind) continue
    throw new ActorError(
      'REFUSED',
      `The keyspace holds data already (${kind}/${key} for one), and no migration that could be gone on with. ` +
        'Name an empty keyspace in HELIOGRAPH_CASSANDRA.',
      { reason: 'TARGET_NOT_EMPTY' },
    )
  }
  const { names, indexed, accounts } = await target.rowCounts()
  if (names + indexed + accounts === 0) return
  throw new ActorError(
    'REFUSED',
    `The PostgreSQL databases hold rows already (${names} names, ${indexed} of the search index, ${accounts} accounts) ` +
      'that are of no migration. Name empty databases in HELIOGRAPH_POSTGRES_SERVERS.',
    { reason: 'TARGET_NOT_EMPTY' },
  )
}

function otherMigration(begun: MigrationSource, given: MigrationSource): ActorError {
  const why =
    begun.fingerprint === given.fingerprint
      ? 'a server has been started on the directory since this migration began'
      : 'the keyspace has a migration from another directory'
  return new ActorError(
    'REFUSED',
    `Cannot go on: ${why}. Drop the keyspace and the PostgreSQL databases, make them again (npx heliograph schema), ` +
      'and start the migration anew.',
    { reason: 'OTHER_MIGRATION' },
  )
}
