import { type ActorAddress, type Clock, errorCode } from '../../runtime/index.js'
import type { EmbeddedData } from '../../storage/index.js'
import { atOnce } from './at-once.js'
import { copyActor } from './journal-copy.js'
import { MigrationLog } from './migration-log.js'
import { type CopiedRows, copyNames } from './name-copy.js'
import { Pace, type Progress } from './pace.js'
import type { MigrationTarget } from './target.js'

/** Actors that are copied at the same time, each a commit at a time. */
const actorsAtOnce = 16
/** Actors between two entries of the log: at most so many are looked at again after a kill. */
const actorsALogEntry = 256
const mostTries = 6

export interface MigrationOptions {
  readonly source: EmbeddedData
  readonly target: MigrationTarget
  /** Tells one data directory from another. */
  readonly fingerprint: string
  readonly clock: Clock
  readonly say: (line: string) => void
}

export interface Migrated extends CopiedRows {
  readonly actors: number
  readonly entries: number
}

/**
 * Copies a data directory to servers, or goes on with it; what was killed may be started again as often as it takes.
 * Rejects with REFUSED (TARGET_NOT_EMPTY, OTHER_MIGRATION, ALREADY_MIGRATED), STOPPED, or as the stores do.
 *
 * 1. The log is begun before anything is copied, and says after each part that it is durable (migration-log.ts).
 * 2. An actor is copied from its head on the target: what is there is not written again, but for derived rows and the
 *    snapshot, which are the same.
 * 3. Memory is bounded by actors at once times a batch, and by what an actor that was cut off has there already.
 */
export async function migrate(options: MigrationOptions): Promise<Migrated> {
  const { source, target, fingerprint, clock, say } = options
  const log = await MigrationLog.open(target, { fingerprint, epoch: source.epoch }, source.shardCount, () =>
    Math.floor(clock.now()),
  )
  try {
    const { actors, entries } = log.soFar
    if (log.isDone) {
      say(`Copied already: ${actors} actors with ${entries} entries. Nothing is copied again.`)
      return { actors, entries, names: 0, accounts: 0 }
    }
    if (actors > 0) say(`Goes on after ${actors} actors that are there.`)
    const copied = await copyActors(options, log)
    const rows = await copyNames(source, target)
    say(`Copied ${rows.names} names and ${rows.accounts} account rows.`)
    await log.done()
    return { ...copied, ...rows }
  } finally {
    log.close()
  }
}

async function copyActors(options: MigrationOptions, log: MigrationLog): Promise<{ actors: number; entries: number }> {
  const { source, target, clock, say } = options
  let { actors, entries, upTo } = log.soFar
  const pace = new Pace(clock, 'copied', say)
  for (;;) {
    const part = [...take(source.actors(upTo), actorsALogEntry)]
    const last = part.at(-1)
    if (last === undefined) break
    await atOnce(part, actorsAtOnce, async (actor) => {
      await copyPatiently(options, actor, (made) => {
        entries += made.entries ?? 0
        pace.add(made)
      })
      pace.add({ actors: 1 })
    })
    actors += part.length
    await target.owned()
    upTo = { kind: last.kind, key: last.key }
    await log.copied({ upTo, actors, entries })
  }
  pace.end()
  return { actors, entries }
}

/** A store that does not answer is given some time; an actor may be copied again. */
async function copyPatiently(
  { source, target, clock, say }: MigrationOptions,
  actor: ActorAddress,
  progress: (made: Progress) => void,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await copyActor(source, target, actor, tries === 1, progress)
    } catch (error) {
      const code = errorCode(error)
      if (tries === mostTries || (code !== 'STORE_UNAVAILABLE' && code !== 'OUTCOME_UNKNOWN')) throw error
      say(`${actor.kind}/${actor.key}: ${(error as Error).message} Tried again in ${tries} s.`)
      await new Promise<void>((resolve) => {
        clock.setTimer(tries * 1_000, resolve)
      })
    }
  }
}

function* take<T>(all: Iterable<T>, most: number): Generator<T> {
  let taken = 0
  for (const one of all) {
    yield one
    if (++taken === most) return
  }
}
