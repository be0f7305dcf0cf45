import { User, type UserProfile } from '../../actors/user/contract.js'
import { SeededRandom, VirtualClock } from '../../runtime/testing/index.js'
import {
  AccessHashes,
  ActorCalls,
  createDispatch,
  FloodGate,
  methodTable,
  People,
  PresenceBoard,
  type PresenceStore,
  Profiles,
  type Services,
} from '../api/index.js'
import type { AuthKeyPatch, RpcAnswer, RpcError } from '../mtproto/index.js'
import { type Long, longFromNumber, type tl } from '../tl/index.js'
import { FakeAccounts, FakeNames } from './fake-names.js'
import { FakeSession } from './fake-session.js'
import { FakeSystem } from './fake-system.js'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

export function profileOf(id: number, changes: Partial<UserProfile> = {}): UserProfile {
  return {
    id,
    firstName: `First${id}`,
    lastName: `Last${id}`,
    about: '',
    phone: `1555${id}`,
    username: '',
    closed: false,
    presence: { kind: 'offline', atMs: 1_600_000_000_000 },
    ...changes,
  }
}

interface RigOptions {
  readonly userId?: number
  readonly layer?: number
  /** Nobody's presence is cached unless told. */
  readonly presence?: PresenceStore
}

/** The API over stubs: everybody is registered, nobody knows anybody. */
export class ApiRig {
  readonly system = new FakeSystem()
  readonly clock = new VirtualClock()
  readonly hashes = new AccessHashes(Buffer.alloc(32, 7))
  readonly presence: PresenceBoard
  readonly names = new FakeNames()
  readonly accounts = new FakeAccounts()
  readonly notImplemented: string[] = []
  readonly patched: { readonly id: Long; readonly patch: AuthKeyPatch }[] = []
  readonly actors: ActorCalls
  readonly people: People
  readonly services: Services
  readonly session: FakeSession
  #msgId = 0

  constructor({ userId = 1024, layer = 228, presence }: RigOptions = {}) {
    this.session = new FakeSession({ userId, layer })
    this.actors = new ActorCalls(this.system, this.clock)
    this.presence = new PresenceBoard(this.clock, presence)
    const profiles = new Profiles(this.actors, this.accounts, silent, 1_000)
    this.people = new People(this.actors, this.clock, this.hashes, profiles, {}, this.presence)
    this.system.stub(User, (id) => ({
      profile: () => profileOf(id),
      relations: (users) => users.map((user) => ({ user, blocked: false })),
      boxState: () => ({ pts: 10, atMs: this.clock.now(), unread: 0 }),
    }))
    this.services = {
      actors: this.actors,
      clock: this.clock,
      random: new SeededRandom(1),
      hashes: this.hashes,
      people: this.people,
      flood: new FloodGate(this.clock),
      presence: this.presence,
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
      authKeys: {
        update: (id, patch) => this.patched.push({ id, patch }),
        drop() {},
        sessions: () => [this.session],
      },
      pushes: { pushedPts: () => -1, sawState() {} },
      metrics: { notImplemented: (method) => this.notImplemented.push(method), floodWait() {} },
      log: silent,
    }
  }

  /** What the client is answered: an object, or the error that it sees. */
  async call<Request extends tl.RpcMethod>(method: Request): Promise<RpcAnswer> {
    const dispatch = createDispatch(this.services, methodTable())
    return dispatch({
      method: method as unknown as Parameters<typeof dispatch>[0]['method'],
      session: this.session,
      msgId: longFromNumber(++this.#msgId),
      deadlineMs: this.clock.now() + 20_000,
      traceId: 'trace',
      withoutUpdates: false,
    })
  }

  async error(method: tl.RpcMethod): Promise<string> {
    const answer = await this.call(method)
    const { code, message } = answer as RpcError
    return answer instanceof Error ? `${code} ${message}` : `no error: ${JSON.stringify(answer)}`
  }

  /** The user as this client would name it. */
  inputPeer(userId: number): tl.RawInputPeerUser {
    return { _: 'inputPeerUser', userId, accessHash: this.hashes.ofUser(this.session.userId, userId) }
  }

  inputUser(userId: number): tl.RawInputUser {
    return { _: 'inputUser', userId, accessHash: this.hashes.ofUser(this.session.userId, userId) }
  }
}
