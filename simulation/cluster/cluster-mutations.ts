/**
 * Rules that several nodes need (CORE.md), each switched off from outside. A world in which one is off must break:
 * otherwise the simulation would not notice if it went wrong.
 */
import { ClusterOwnership } from '../../cluster/index.js'
import type {
  ActorSystem,
  Clock,
  JournalStore,
  Ownership,
  OwnershipRegister,
  OwnershipView,
} from '../../runtime/index.js'
import type { Mutation, Served, Session } from '../mutation.js'
import { changed, mutations } from '../mutations.js'
import type { Settings } from '../settings.js'
import { type ClusterSettings, noTroubles } from './cluster-settings.js'

type Statement = Parameters<Session['write']>[0]

/** Later than most takeovers. */
const LATE_MS = 3_000

/** Longer than it takes others to take over. */
const long: Partial<ClusterSettings> = { troubleMs: [3_500, 6_000], troubleEveryMs: 2_000, troubleCount: 5 }

export interface ClusterMutation {
  readonly mutation: Mutation
  /** Troubles of worlds in which the rule matters. */
  readonly where: Partial<ClusterSettings>
  readonly besides?: Partial<Settings>
}

export const clusterMutations = {
  /** J3: a writer answers before its lineage is stored. */
  lineageLater: {
    mutation: { session: (session, clock) => writingLater(session, clock, 'INTO lineages') },
    where: { troubles: { ...noTroubles, crash: 1 }, troubleCount: 4 },
  },
  /** R1: a commit is acknowledged before it is stored. */
  replyBeforeCommit: {
    mutation: mutations.replyBeforeCommit,
    where: { troubles: { ...noTroubles, crash: 1, cutStorage: 1 }, troubleCount: 6, troubleMs: [500, 6_000] },
  },
  /** O2: what a node does counts, whatever became of its lease. */
  noLease: {
    mutation: { ownership: (ownership) => holding(ownership, () => true) },
    where: { ...long, troubles: { ...noTroubles, stall: 1, cutStorage: 1 } },
  },
  /** O3: who takes shards over from a revoked owner opens them at once. */
  noWait: {
    mutation: { register: withoutWait },
    where: { ...long, troubles: { ...noTroubles, part: 1 } },
  },
  /** O3: a shard is sealed while its turns go on, which answer until their node hears of the next owner. */
  sealedWhileOpen: {
    mutation: { served: releasingAtOnce, ownership: (ownership) => holding(ownership, isMember) },
    where: {
      troubles: { ...noTroubles, restart: 1 },
      troubleCount: 12,
      troubleEveryMs: 1_500,
      ring: { unanswered: 60 },
    },
  },
  /** O3: what goes along with a shard was true once, before the last commit of its owner. */
  staleBequest: {
    mutation: { journals: (journals) => handingOverTooEarly(journals) },
    where: { troubles: { ...noTroubles, restart: 1 }, troubleCount: 12, troubleEveryMs: 1_500, ring: {} },
  },
  /** D2: the undelivered row may come after the entry. */
  undeliveredLater: {
    mutation: { session: (session, clock) => writingLater(session, clock, 'INTO undelivered') },
    where: { troubles: noTroubles, ring: {} },
    besides: { crashesAtEnd: true, slowestHopMs: 40, actionsPerDevice: 1, users: 5, groups: 0 },
  },
  /** D5: a gateway does not attach its sessions again. */
  neverAttachesAgain: {
    mutation: { neverAttachesAgain: true },
    where: { troubles: { ...noTroubles, restart: 1, crash: 1 }, troubleCount: 4 },
  },
} satisfies Record<string, ClusterMutation>

/** A handle says where the journal stood when it was opened. */
function handingOverTooEarly(journals: JournalStore): JournalStore {
  return {
    async open(...request) {
      const opened = await journals.open(...request)
      const standing = opened.journal.handOver?.()
      return { ...opened, journal: changed(opened.journal, { handOver: () => standing }) }
    },
  }
}

/** What this names is acknowledged at once, and sent later. */
function writingLater(session: Session, clock: Clock, what: string): Session {
  const write = async (statement: Statement) => {
    if (!statement.query.includes(what)) return session.write(statement)
    clock.setTimer(LATE_MS, () => void session.write(statement).catch(() => undefined))
  }
  return sessionWith(session, { write })
}

function sessionWith(session: Session, replaced: Partial<Session>): Session {
  return {
    read: (...asked) => session.read(...asked),
    readSerial: (...asked) => session.readSerial(...asked),
    write: (...asked) => session.write(...asked),
    writeTogether: (...asked) => session.writeTogether(...asked),
    writeIf: (...asked) => session.writeIf(...asked),
    close: () => session.close(),
    ...replaced,
  }
}

function withoutWait(register: OwnershipRegister): OwnershipRegister {
  const without = (view: OwnershipView | undefined) =>
    view && { ...view, shards: view.shards.map((run) => ({ ...run, mustWait: false })) }
  return {
    read: async () => without(await register.read()),
    glance: async () => without(await register.glance()),
    change: (next) => register.change(next),
    readLease: (node) => register.readLease(node),
    takeLease: (...lease) => register.takeLease(...lease),
    renewLease: (lease) => register.renewLease(lease),
    revokeLease: (of) => register.revokeLease(of),
  }
}

/** Holds what the newest view names it for, in whatever phase, if it `may`. */
function holding(ownership: Ownership, may: (ownership: Ownership) => boolean): Ownership {
  const { self, shardCount } = ownership
  return {
    self,
    shardCount,
    ownerOf: (shard) => ownership.ownerOf(shard),
    epochOf: (shard) => ownership.epochOf(shard),
    newestEpochOf: (shard) => ownership.newestEpochOf(shard),
    onChange: (listener) => ownership.onChange?.(listener),
    holds: (shard, epoch) => {
      if (ownership.holds(shard, epoch)) return true
      return may(ownership) && ownership.ownerOf(shard) === self && ownership.newestEpochOf(shard) === epoch
    },
  }
}

function isMember(ownership: Ownership): boolean {
  return ownership instanceof ClusterOwnership && ownership.isMember
}

function releasingAtOnce(system: ActorSystem): Served {
  return served(system, {
    release: async (shards, _withinMs, released) => {
      for (const { from, to } of shards) for (let shard = from; shard <= to; shard++) released(shard)
    },
  })
}

function served(system: ActorSystem, replaced: Partial<Served>): Served {
  return {
    handle: (call) => system.handle(call),
    deliver: (...frame) => system.deliver(...frame),
    release: (...asked) => system.release(...asked),
    sealed: (...shards) => system.sealed(...shards),
    residentsIn: (shard) => system.residentsIn(shard),
    acquire: (shards) => system.acquire(shards),
    abandon: () => system.abandon(),
    ...replaced,
  }
}
