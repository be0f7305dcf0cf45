import { type ActorPorts, actorDefinitions, encodeBody, User } from '../../actors/index.js'
import {
  type ActorDefinition,
  type ActorLimits,
  type ActorSystem,
  type Clock,
  createActorSystem,
  DEFAULT_LIMITS,
  systemClock,
  systemRandom,
} from '../../runtime/index.js'
import { noLog, noMetrics } from '../../runtime/testing/index.js'
import { type EmbeddedStorage, openEmbeddedStorage } from '../../storage/index.js'
import { inBatches } from './batches.js'

/** The real actors on the embedded storage, in this process and without a gateway. */
export interface ActorWorld {
  readonly system: ActorSystem
  readonly storage: EmbeddedStorage
  /** Ends the actors and, unless it is to be used again, the storage. */
  stop(): Promise<void>
}

export interface ActorWorldOptions {
  readonly directory: string
  readonly clock?: Clock
  /** Other limits than an actor's own, by kind. */
  readonly limits?: Readonly<Record<string, Partial<ActorLimits>>>
  /** Other limits of a chat's delivery than its own. */
  readonly delivery?: NonNullable<ActorPorts['chat']['limits']>
  // biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
  readonly more?: readonly ActorDefinition<any>[]
}

export async function openActorWorld({
  directory,
  clock = systemClock,
  limits = {},
  delivery = {},
  more = [],
}: ActorWorldOptions): Promise<ActorWorld> {
  const storage = await openEmbeddedStorage({ directory, clock, log: noLog })
  const actors = actorDefinitions({
    chat: { clock, random: systemRandom, limits: delivery },
    records: storage,
    loginCodes: {
      names: { owner: () => Promise.resolve(undefined) },
      delivery: { deliver: () => Promise.reject(new Error('nobody logs in here')) },
      random: systemRandom,
      testNumbers: true,
    },
  })
  const system = createActorSystem({
    actors: [...actors, ...more].map((definition) => ({
      ...definition,
      limits: { ...definition.limits, ...limits[definition.type.kind] },
    })),
    clock,
    random: systemRandom,
    journals: storage.journals,
    agenda: storage.agenda,
    ownership: storage.ownership,
    metrics: noMetrics,
    log: noLog,
    localValues: 'pass',
    limits: { residentActors: 10_000_000, actor: DEFAULT_LIMITS.actor },
  })
  await system.start()
  return {
    system,
    storage,
    async stop() {
      await system.stop()
      await storage.close()
    },
  }
}

/** Registers accounts, many at a time: their actors are in memory afterwards. */
export async function registerAccounts(system: ActorSystem, users: readonly number[]): Promise<void> {
  await inBatches(users, 500, async (user) => {
    const account = system.ref(User, user)
    await account.register({
      phone: `1555${String(user).padStart(10, '0')}`,
      profile: { firstName: `Reader ${user}`, lastName: 'Of Benches', about: '' },
    })
    const now = Date.now()
    await account.authorize({
      authKey: user.toString(16).padStart(16, '0'),
      hash: user.toString(16).padStart(16, '0'),
      createdAtMs: now,
      activeAtMs: now,
      layer: 228,
      apiId: 1,
      deviceModel: 'Bench',
      systemVersion: '1.0',
      appVersion: '1.0',
      langCode: 'en',
      address: '127.0.0.1',
    })
  })
}

/** A message's encoded body: a short sentence, as people write them. */
export function sampleBody(n: number): Uint8Array {
  return encodeBody({ text: `Message ${n}: see you at the corner by the old library at half past six` })
}
