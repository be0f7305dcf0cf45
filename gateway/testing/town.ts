import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { actorDefinitions, NameRegistry, User } from '../../actors/index.js'
import { type ActorSystem, createActorSystem, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog, noMetrics } from '../../runtime/testing/index.js'
import { type EmbeddedStorage, openEmbeddedStorage, type PostgresStorage } from '../../storage/index.js'
import {
  AccessHashes,
  ActorCalls,
  createDispatch,
  FloodGate,
  methodTable,
  People,
  PresenceBoard,
  Profiles,
  type Services,
  silentApiMetrics,
} from '../api/index.js'
import type { RpcAnswer } from '../mtproto/index.js'
import { type Long, longFromNumber, type tl } from '../tl/index.js'
import { FakeSession } from './fake-session.js'

const PUBLIC_HASH_KEY = Buffer.alloc(32, 7)

/** The API over the real actors, on an embedded store of its own; accounts' names and rows lie where the test says. */
export class Town {
  readonly hashes = new AccessHashes(PUBLIC_HASH_KEY)
  readonly system: ActorSystem
  readonly names: NameRegistry
  readonly #directory: string
  readonly #storage: EmbeddedStorage
  readonly #services: Services
  #msgId = 0

  private constructor(directory: string, storage: EmbeddedStorage, records: PostgresStorage) {
    this.#directory = directory
    this.#storage = storage
    const clock = systemClock
    const random = systemRandom
    this.names = new NameRegistry({ clock, directory: records.directory, names: records.names })
    const delivery = { deliver: () => Promise.reject(new Error('nobody logs in here')) }
    this.system = createActorSystem({
      actors: actorDefinitions({
        chat: { clock, random },
        records,
        loginCodes: { names: this.names, delivery, random, testNumbers: false },
      }),
      clock,
      random,
      journals: storage.journals,
      agenda: storage.agenda,
      ownership: storage.ownership,
      metrics: noMetrics,
      log: noLog,
      localValues: 'pass',
      limits: { sweepEveryMs: 300 },
    })
    const actors = new ActorCalls(this.system, clock)
    const presence = new PresenceBoard(clock, undefined)
    const profiles = new Profiles(actors, records.accounts, noLog, 1_000)
    this.#services = {
      actors,
      clock,
      random,
      hashes: this.hashes,
      // Nothing is cached, so that every look goes where it must.
      people: new People(actors, clock, this.hashes, profiles, { freshMs: 0 }, presence),
      flood: new FloodGate(clock, { percent: 1_000_000 }),
      presence,
      names: this.names,
      config: {
        dcId: 2,
        host: '127.0.0.1',
        port: 4430,
        testMode: false,
        signUp: 'automatic',
        maxDifferenceEntries: 1000,
        freshSessionMs: 86_400_000,
      },
      authKeys: { update() {}, drop() {}, sessions: () => [] },
      pushes: { pushedPts: () => -1, sawState() {} },
      metrics: silentApiMetrics,
      log: noLog,
    }
  }

  static async start(records: PostgresStorage): Promise<Town> {
    const directory = mkdtempSync(join(tmpdir(), 'heliograph-town-'))
    const storage = await openEmbeddedStorage({ directory: join(directory, 'data'), clock: systemClock, log: noLog })
    const town = new Town(directory, storage, records)
    await town.system.start()
    return town
  }

  user(id: number) {
    return this.system.ref(User, id)
  }

  /** What a client of this account is answered: an object, or the error that it sees. */
  call(userId: number, method: tl.RpcMethod): Promise<RpcAnswer> {
    const dispatch = createDispatch(this.#services, methodTable())
    return Promise.resolve(
      dispatch({
        method: method as unknown as Parameters<typeof dispatch>[0]['method'],
        session: new FakeSession({ userId, authKey: userId }),
        msgId: longFromNumber(++this.#msgId) as Long,
        deadlineMs: systemClock.now() + 20_000,
        traceId: 'trace',
        withoutUpdates: false,
      }),
    )
  }

  async stop(): Promise<void> {
    await this.system.stop()
    await this.#storage.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
