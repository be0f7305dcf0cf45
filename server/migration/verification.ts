import { isDeepStrictEqual } from 'node:util'
import { User } from '../../actors/index.js'
import {
  type ActorAddress,
  type ActorSystem,
  type AgendaStore,
  type Clock,
  createActorSystem,
  DEFAULT_LIMITS,
  type JournalStore,
  type Ownership,
  type Random,
} from '../../runtime/index.js'
import type { EmbeddedData } from '../../storage/index.js'
import { accountView } from './account-view.js'
import { compareActor } from './actor-comparison.js'
import { compareAgendas, DueRows } from './agenda-comparison.js'
import { atOnce } from './at-once.js'
import { readOnly } from './attempts.js'
import { Differences } from './differences.js'
import { logKind, refuseUncopied } from './migration-log.js'
import { compareNames } from './name-comparison.js'
import { AskedPace, Pace } from './pace.js'
import { plainValue } from './plain-value.js'
import { quietActors } from './quiet-actors.js'
import type { MigrationTarget } from './target.js'

const actorsAtOnce = 16
const accountsAtOnce = 8
/** Accounts that two actor systems are made for and stopped after: nothing of them stays in memory. */
const accountsASystem = 64

export interface VerificationOptions {
  readonly source: EmbeddedData
  readonly target: MigrationTarget
  readonly clock: Clock
  readonly random: Random
  readonly say: (line: string) => void
}

export interface Verification {
  readonly actors: number
  readonly entries: number
  readonly rows: number
  readonly reminders: number
  readonly names: number
  readonly accountRows: number
  /** Accounts that were asked, on both sides, for all that they show to their devices. */
  readonly accounts: number
  readonly answers: number
  /** Kinds of actors that this program does not know: their states could not be folded. */
  readonly unknownKinds: readonly string[]
  readonly differences: Differences
}

/**
 * Compares a directory with its copy, before any server has run on the copy: every entry, row and reminder, the folded state
 * of every actor, and what every account answers through the runtime. Writes nothing but who is the owner.
 * Rejects with REFUSED (NOT_MIGRATED) where no copy has come to its end.
 */
export async function verify(options: VerificationOptions): Promise<Verification> {
  await refuseUncopied(options.target, options.source.shardCount)
  const differences = new Differences()
  const stored = await compareStored(options, differences)
  const { names, accounts: accountRows } = await compareNames(options.source, options.target, differences)
  const asked = await compareAccounts(options, differences)
  return { ...stored, names, accountRows, ...asked, differences }
}

async function compareStored({ source, target, clock, random, say }: VerificationOptions, differences: Differences) {
  const definitions = new Map(quietActors(clock, random).map((definition) => [definition.type.kind, definition]))
  const due = new DueRows(source.shardCount)
  const pace = new Pace(clock, 'compared', say)
  const unknown = new Set<string>()
  const sums = { actors: 0, entries: 0, rows: 0, reminders: 0 }
  await atOnce(source.actors(), actorsAtOnce, async (actor) => {
    await target.owned()
    const definition = definitions.get(actor.kind)
    if (!definition) unknown.add(actor.kind)
    const request = { attempt: 1, mayKeepWriter: true }
    const from = await source.journals.open(actor, { ...request, epoch: source.epoch + 1 })
    const to = await target.journals.open(actor, { ...request, epoch: target.epoch })
    const compared = await compareActor(source, actor, from, to, definition, differences, (made) => pace.add(made))
    from.journal.close()
    to.journal.close()
    for (const reminder of compared.reminders) due.add({ actor, ...reminder })
    sums.actors++
    sums.entries += compared.entries
    sums.rows += compared.rows
    sums.reminders += compared.reminders.length
    pace.add({ actors: 1 })
  })
  pace.end()
  const shardCount = source.shardCount
  await compareAgendas({ from: source.agenda, to: target.agenda, shardCount }, due, differences)
  await compareCount(target, sums.actors, differences)
  return { ...sums, unknownKinds: [...unknown] }
}

async function compareCount(target: MigrationTarget, actors: number, differences: Differences): Promise<void> {
  let there = 0
  for await (const { kind } of target.actors()) if (kind !== logKind) there++
  if (there !== actors) differences.add('actors', `${actors} in the directory, ${there} on the servers`)
}

async function compareAccounts(options: VerificationOptions, differences: Differences) {
  const { source, clock, say } = options
  const asked = new AskedPace(clock, say)
  let part: ActorAddress[] = []
  const compare = async () => {
    await comparePart(options, part, differences, asked)
    part = []
  }
  for (const actor of source.actors()) {
    if (actor.kind !== User.kind) continue
    part.push(actor)
    if (part.length === accountsASystem) await compare()
  }
  if (part.length > 0) await compare()
  asked.say()
  return { accounts: asked.accounts, answers: asked.answers }
}

async function comparePart(
  { source, target, clock, random }: VerificationOptions,
  accounts: readonly ActorAddress[],
  differences: Differences,
  asked: AskedPace,
): Promise<void> {
  const systemOn = (journals: JournalStore, epoch: number) =>
    quietSystem(journals, ownerOf(source.shardCount, epoch), stoppedAt(clock), random)
  const from = systemOn(source.journals, source.epoch + 1)
  const to = systemOn(target.journals, target.epoch)
  try {
    await atOnce(accounts, accountsAtOnce, async ({ key }) => {
      await target.owned()
      await compareAccount(from, to, User.parse(key), differences, asked)
      asked.account()
    })
  } finally {
    await Promise.all([from.stop(), to.stop()])
  }
}

async function compareAccount(
  from: ActorSystem,
  to: ActorSystem,
  id: number,
  differences: Differences,
  asked: AskedPace,
): Promise<void> {
  const here = accountView(from.ref(User, id))
  const there = accountView(to.ref(User, id))
  for (;;) {
    const failed = (error: Error) => ({ done: false, value: { what: 'an error', answer: error.message } })
    const [one, other] = await Promise.all([here.next(), there.next().catch(failed)])
    if (one.done && other.done) break
    asked.answer()
    if (isDeepStrictEqual(plainValue(one.value), plainValue(other.value))) continue
    // What follows would be asked from another place.
    differences.add(`user/${id}`, `another answer: ${one.value?.what ?? 'one more'}`)
    break
  }
}

/** Answers calls, and does nothing else: nobody starts it. */
function quietSystem(journals: JournalStore, ownership: Ownership, clock: Clock, random: Random): ActorSystem {
  const nothing = () => undefined
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
  const metrics = {
    ...{ call: nothing, turn: nothing, queueDepth: nothing },
    ...{ activation: nothing, refusal: nothing, commit: nothing },
  }
  return createActorSystem({
    actors: quietActors(clock, random),
    ...{ clock, random, ownership, log, metrics },
    journals: readOnly(journals),
    agenda: emptyAgenda,
    localValues: 'pass',
    limits: { callTimeoutMs: 120_000, actor: { ...DEFAULT_LIMITS.actor, mailboxAgeMs: 60_000 } },
  })
}

const emptyAgenda: AgendaStore = {
  sweepUndelivered: async () => undefined,
  removeUndelivered: async () => undefined,
  due: async () => [],
  removeDue: async () => undefined,
}

/** Both sides tell the same time. */
function stoppedAt(clock: Clock): Clock {
  const nowMs = clock.now()
  return {
    now: () => nowMs,
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
  }
}

/** `target.owned` says whether it is true. */
function ownerOf(shardCount: number, epoch: number): Ownership {
  const self = 'migration'
  return {
    self,
    shardCount,
    ownerOf: () => self,
    epochOf: () => epoch,
    holds: (_, of) => of === epoch,
    newestEpochOf: () => epoch,
  }
}
