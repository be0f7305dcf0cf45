import { setImmediate } from 'node:timers'
import { actorDefinitions, Chat, encodeBody, privateChat, User } from '../../actors/index.js'
import { NodeTransport } from '../../cluster/index.js'
import {
  type ActorLog,
  type ActorSystem,
  type Clock,
  createActorSystem,
  DEFAULT_SHARD_COUNT,
  type NodeId,
  type Ownership,
  type Random,
  type SealedShard,
  type ShardRange,
} from '../../runtime/index.js'
import { cassandraStorageOn, SimulatedCassandra, SimulatedSession } from '../../storage/index.js'
import { createMetrics } from '../metrics.js'

const CALLER: NodeId = 'caller'
const OWNER: NodeId = 'owner'
const HOST = '127.0.0.1'
/** Private chats that talk at the same time. */
const PAIRS = 8
const MESSAGES_A_ROUND = 3
const MOST_ROUNDS = 20
const LONGEST_MS = 1_000
/** All shards are given away and taken again after so many rounds. */
const MOVE_EVERY_ROUNDS = 4
const DRAIN_MS = 2_000
const ALL_SHARDS: readonly ShardRange[] = [{ from: 0, to: DEFAULT_SHARD_COUNT - 1 }]

export interface RehearsalOptions {
  readonly clock: Clock
  readonly random: Random
  /** No round begins after this long; a second unless told. */
  readonly longestMs?: number
}

/** What was played. */
export interface Rehearsal {
  readonly rounds: number
  readonly moves: number
}

/**
 * What this process will do as a node, played through on nothing before it is a member: two nodes within it, gRPC between
 * them, the real actors on a Cassandra in memory.
 *
 * A process that has just started does everything for the first time, which V8 is slow at; whoever waits for one of
 * the shards that move to it waits for that too. Nothing of a rehearsal is left: its stores are in memory,
 * and its ports listen on loopback as long as it lasts, about a second.
 */
export async function rehearse({ clock, random, longestMs = LONGEST_MS }: RehearsalOptions): Promise<Rehearsal> {
  const stage = new Stage(clock, random)
  try {
    return await stage.play(longestMs)
  } finally {
    await stage.clear()
  }
}

class Stage {
  readonly #clock: Clock
  readonly #random: Random
  readonly #nodes: { readonly system: ActorSystem; readonly transport: NodeTransport }[] = []
  readonly #addresses = new Map<NodeId, string>()
  readonly #toldOfOwners: ((shards: readonly ShardRange[]) => void)[] = []
  #epoch = 1
  #isOpen = true

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  async play(longestMs: number): Promise<Rehearsal> {
    const owner = await this.#enter(OWNER)
    const caller = await this.#enter(CALLER)
    caller.receive('push', () => undefined)
    const untilMs = this.#clock.monotonic() + longestMs
    const pairs = Array.from({ length: PAIRS }, (_, at) => [2 * at + 1, 2 * at + 2] as const)
    await Promise.all(pairs.flat().map((user) => register(caller, user)))
    let rounds = 0
    let moves = 0
    while (rounds < MOST_ROUNDS && this.#clock.monotonic() < untilMs) {
      await Promise.all(pairs.map((pair) => talk(caller, pair, rounds)))
      if (++rounds % MOVE_EVERY_ROUNDS !== 0) continue
      await this.#move(owner)
      moves++
    }
    return { rounds, moves }
  }

  async clear(): Promise<void> {
    for (const { system } of this.#nodes) await system.stop()
    for (const { transport } of this.#nodes) await transport.close()
  }

  /** As a planned move ends at the old owner and begins at the new one; what was in memory goes along. */
  async #move(owner: ActorSystem): Promise<void> {
    const sealed: SealedShard[] = []
    this.#isOpen = false
    this.#tell()
    await owner.release(ALL_SHARDS, DRAIN_MS, (shard) => sealed.push({ shard, epoch: this.#epoch }))
    this.#epoch++
    this.#isOpen = true
    owner.sealed(sealed, OWNER)
    owner.acquire(ALL_SHARDS)
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#toldOfOwners) listener(ALL_SHARDS)
  }

  async #enter(self: NodeId): Promise<ActorSystem> {
    const clock = this.#clock
    const random = this.#random
    const transport = new NodeTransport({
      ...{ cluster: 'rehearsal', self, incarnation: self, clock, log: silent },
      atTickEnd: (run) => void setImmediate(run),
      peers: {
        addressOf: (node) => this.#addresses.get(node),
        others: () => [self === OWNER ? CALLER : OWNER],
        view: () => 1,
        saw: () => undefined,
        refresh: async () => undefined,
      },
    })
    const ring = new SimulatedCassandra({ clock, random })
    const { journals, agenda } = cassandraStorageOn(new SimulatedSession(ring), {
      bucketBytes: 1024 * 1024,
      bucketPts: 1_000,
    })
    const system = createActorSystem({
      actors: actorDefinitions({ chat: { clock, random }, records: noRecords, loginCodes: { ...noLogins, random } }),
      ...{ clock, random, journals, agenda, transport },
      ownership: this.#ownershipOf(self),
      metrics: createMetrics().runtime,
      log: silent,
      localValues: 'pass',
    })
    this.#nodes.push({ system, transport })
    transport.serve(system)
    this.#addresses.set(self, `${HOST}:${await transport.listen(HOST, 0)}`)
    await system.start()
    return system
  }

  /** Everything is the owner's. */
  #ownershipOf(self: NodeId): Ownership {
    const isOwner = self === OWNER
    return {
      self,
      shardCount: DEFAULT_SHARD_COUNT,
      ownerOf: () => OWNER,
      epochOf: () => (isOwner && this.#isOpen ? this.#epoch : undefined),
      holds: (_, epoch) => isOwner && epoch === this.#epoch,
      newestEpochOf: () => this.#epoch,
      onChange: (listener) => void this.#toldOfOwners.push(listener),
    }
  }
}

const silent: ActorLog = { debug() {}, info() {}, warn() {}, error() {} }

const noRecords: Parameters<typeof actorDefinitions>[0]['records'] = {
  directory: { confirm: async () => undefined, release: async () => undefined },
  names: { put: async () => undefined, remove: async () => undefined },
  accounts: { put: async () => undefined },
}

const noLogins = {
  names: { owner: async () => undefined },
  delivery: { deliver: () => Promise.reject(new Error('nobody logs in to a rehearsal')) },
  testNumbers: false,
}

const keyOf = (user: number) => user.toString(16).padStart(16, '0')

async function register(system: ActorSystem, user: number): Promise<void> {
  const account = system.ref(User, user)
  await account.register({ phone: `${user}`, profile: { firstName: `${user}`, lastName: '', about: '' } })
  await account.authorize({
    ...{ authKey: keyOf(user), hash: keyOf(user), createdAtMs: 0, activeAtMs: 0, layer: 228, apiId: 1 },
    ...{ deviceModel: '', systemVersion: '', appVersion: '', langCode: 'en', address: HOST },
  })
}

/** One writes, the other's device is attached and reads. */
async function talk(system: ActorSystem, [one, other]: readonly [number, number], round: number): Promise<void> {
  const [by, to] = round % 2 === 0 ? [one, other] : [other, one]
  const chat = system.ref(Chat, privateChat(one, other))
  const origin = { authKey: keyOf(by), session: keyOf(by) }
  const posts = Array.from({ length: MESSAGES_A_ROUND }, (_, at) =>
    chat.post({
      ...{ by, origin },
      drafts: [{ op: `r${keyOf(round * MESSAGES_A_ROUND + at)}`, body: encodeBody({ text: 'Is this thing on?' }) }],
    }),
  )
  const reader = system.ref(User, to)
  const { pts } = await reader.boxState()
  await reader.attach({ gateway: CALLER, authKeys: [keyOf(to)], lastPts: pts, leaseMs: 60_000 })
  await Promise.all(posts)
}
