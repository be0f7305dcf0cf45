import { join } from 'node:path'
import { Chat, groupChat, privateChat } from '../../actors/index.js'
import { actorType, implement, numberKey } from '../../runtime/index.js'
import { reachableBytes } from '../measure/garbage.js'
import { HastyClock } from '../measure/hasty-clock.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { type ActorWorld, openActorWorld, registerAccounts, sampleBody } from '../target/actor-world.js'
import { inBatches } from '../target/batches.js'

const SECOND_MS = 1_000
/** On the actors' clock: when chats go, when the rest goes. */
const CHATS_GO_AFTER_MS = 300 * SECOND_MS
const OTHERS_GO_AFTER_MS = 900 * SECOND_MS
/** On the actors' clock: so long nothing happens before anything is weighed. */
const IDLE_MS = 150 * SECOND_MS
/** Chat partners of each account, in a ring: each is written to, and writes. */
const PARTNERS = 2
const MANY_PARTNERS = 20
const GROUP_MEMBERS = 20

/** An actor with next to no state of its own: what is left is the runtime's and the storage driver's part. */
interface Note {
  set(text: string): Promise<void>
}
const Note = actorType<Note, number>('note', { methods: { set: 'turn' }, ...numberKey })

interface NoteShape {
  contract: Note
  id: number
  state: { text: string }
  entry: { text: string }
  memory: undefined
}

const noteActor = implement<NoteShape>({
  type: Note,
  state: { version: 1, initial: () => ({ text: '' }), apply: (_, { text }) => ({ text }) },
  methods: { set: (turn, text) => void turn.append({ text }) },
})

const hasteOf = (run: Run) => run.sized({ quick: 1_000, normal: 50 })

class Weighing {
  readonly #world: ActorWorld
  readonly #clock: HastyClock
  readonly #run: Run
  #accounts = 0
  #groups = 0

  constructor(run: Run, world: ActorWorld, clock: HastyClock) {
    this.#run = run
    this.#world = world
    this.#clock = clock
  }

  async untilGone(residents: number): Promise<number> {
    return this.#hastily(() => this.#world.system.health.residents() <= residents)
  }

  /** After `ms` of the actors' clock, when what idleness lets go of is gone. */
  async after(ms: number): Promise<number> {
    const end = this.#clock.monotonic() + ms
    return this.#hastily(() => this.#clock.monotonic() >= end)
  }

  async #hastily(condition: () => boolean): Promise<number> {
    this.#clock.run(hasteOf(this.#run))
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
    this.#clock.run(1)
    return reachableBytes()
  }

  async bare(count: number) {
    const { system } = this.#world
    this.#run.progress(`${count} bare actors`)
    const before = await reachableBytes()
    const ids = Array.from({ length: count }, (_, i) => i)
    await inBatches(ids, 1_000, (id) => system.ref(Note, id).set('hello'))
    const idle = await this.after(IDLE_MS)
    this.#run.progress('bare actors go')
    const gone = await this.untilGone(0)
    return { idle: (idle - before) / count, gone: (gone - before) / count }
  }

  /** Each account writes to so many partners, and as many write to it. */
  async real(count: number, partners: number) {
    const { system } = this.#world
    this.#run.progress(`${count} accounts and ${count * partners} private chats`)
    const before = await reachableBytes()
    const users = Array.from({ length: count }, () => ++this.#accounts)
    await registerAccounts(system, users)
    const registered = await this.after(IDLE_MS)
    await inBatches(users, 200, async (user) => {
      const index = user - users[0]!
      for (let next = 1; next <= partners; next++) {
        const other = users[(index + next) % count]!
        const op = `r${user}-${next}`
        const origin = { authKey: user.toString(16).padStart(16, '0'), session: '0000000000000001' }
        await system
          .ref(Chat, privateChat(user, other))
          .post({ by: user, origin, drafts: [{ op, body: sampleBody(next) }] })
      }
    })
    const both = await this.after(IDLE_MS)
    this.#run.progress('chats go')
    const usersOnly = await this.untilGone(count)
    this.#run.progress('accounts go')
    const gone = await this.untilGone(0)
    return {
      fresh: (registered - before) / count,
      chat: (both - usersOnly) / (count * partners),
      user: (usersOnly - before) / count,
      gone: (gone - before) / (count * (1 + partners)),
    }
  }

  /** Groups of accounts that are in many of them: bytes of a group, without its members' own. */
  async groups(count: number): Promise<number> {
    const { system } = this.#world
    this.#run.progress(`${count} groups`)
    const users = Array.from({ length: GROUP_MEMBERS }, () => ++this.#accounts)
    await registerAccounts(system, users)
    const by = users[0]!
    const origin = { authKey: by.toString(16).padStart(16, '0'), session: '0000000000000001' }
    await inBatches(
      Array.from({ length: count }, (_, i) => i),
      50,
      async (i) => {
        const group = system.ref(Chat, groupChat(++this.#groups))
        await group.create({ by, origin, op: `c${i}`, title: `Group ${i}`, members: users.slice(1) })
        await group.post({ by, origin, drafts: [{ op: `r${i}`, body: sampleBody(i) }] })
      },
    )
    const both = await this.after(IDLE_MS)
    const without = await this.untilGone(users.length)
    await this.untilGone(0)
    return (both - without) / count
  }
}

async function runIdleActorMemory(run: Run): Promise<Outcome> {
  const clock = new HastyClock()
  const world = await openActorWorld({
    directory: join(run.scratch, 'data'),
    clock,
    limits: {
      note: { idleAfterMs: CHATS_GO_AFTER_MS },
      chat: { idleAfterMs: CHATS_GO_AFTER_MS },
      user: { idleAfterMs: OTHERS_GO_AFTER_MS },
    },
    more: [noteActor],
  })
  run.onEnd(() => world.stop())
  const weighing = new Weighing(run, world, clock)
  run.progress('warming up')
  await weighing.bare(200)
  await weighing.real(20, PARTNERS)
  await weighing.groups(20)
  const bare = await weighing.bare(run.sized({ quick: 2_000, normal: 50_000 }))
  const real = await weighing.real(run.sized({ quick: 200, normal: 5_000 }), PARTNERS)
  const busy = await weighing.real(run.sized({ quick: 100, normal: 1_000 }), MANY_PARTNERS)
  const group = await weighing.groups(run.sized({ quick: 50, normal: 2_000 }))
  const dialog = (busy.user - real.user) / (2 * (MANY_PARTNERS - PARTNERS))
  const kib = (bytes: number) => bytes / 1024
  const targets = { must: { atMost: 2 }, aim: { atMost: 1 } }
  return {
    figures: [
      { name: 'bare actor, idle', value: kib(bare.idle), unit: 'KiB', ...targets },
      { name: 'private chat, idle', value: kib(real.chat), unit: 'KiB', ...targets },
      { name: `group of ${GROUP_MEMBERS} members, idle`, value: kib(group), unit: 'KiB', ...targets },
      { name: 'account just registered, idle', value: kib(real.fresh), unit: 'KiB', ...targets },
      { name: `account with ${PARTNERS * 2} dialogs, idle`, value: kib(real.user), unit: 'KiB', ...targets },
      { name: `account with ${MANY_PARTNERS * 2} dialogs, idle`, value: kib(busy.user), unit: 'KiB' },
      { name: 'each dialog more', value: dialog, unit: 'bytes' },
      { name: 'bare actor, passivated', value: bare.gone, unit: 'bytes', aim: { atMost: 64 } },
      { name: 'account or chat, passivated', value: real.gone, unit: 'bytes', aim: { atMost: 64 } },
    ],
    plots: [
      {
        kind: 'bars',
        title: 'Memory an idle actor',
        unit: 'KiB',
        bars: [
          { name: 'bare actor', parts: [{ name: 'KiB', value: kib(bare.idle) }] },
          { name: 'private chat', parts: [{ name: 'KiB', value: kib(real.chat) }] },
          { name: `group of ${GROUP_MEMBERS}`, parts: [{ name: 'KiB', value: kib(group) }] },
          { name: 'account, no dialogs', parts: [{ name: 'KiB', value: kib(real.fresh) }] },
          { name: `account, ${PARTNERS * 2} dialogs`, parts: [{ name: 'KiB', value: kib(real.user) }] },
        ],
        marks: [{ name: 'must', value: 2 }],
      },
    ],
    notes: [
      `Reachable heap and external memory after garbage collections, of the whole process, divided by the actors, ${IDLE_MS / SECOND_MS} s after the last call: they are packed half a minute after it, at most 500 a kind and second.`,
      `The actors' clock runs ${hasteOf(run)} times as fast as time while they are idle.`,
      'No gateway is attached to the accounts: connection-memory has what a live session adds.',
    ],
  }
}

export const idleActorMemory: Scenario = {
  name: 'idle-actor-memory',
  summary: 'bytes an idle actor holds in memory, bare and real ones, and what is left of a passivated one',
  run: runIdleActorMemory,
}
