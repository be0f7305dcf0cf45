import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Chat, privateChat, User } from '../../actors/index.js'
import { errorCode } from '../../runtime/index.js'
import { Latencies, type LatencySummary } from '../measure/latency.js'
import { median } from '../measure/repetitions.js'
import { shortly, shown } from '../report/figures.js'
import type { LinePlot, Outcome, Run, Scenario } from '../scenario.js'
import { type ActorWorld, openActorWorld, registerAccounts, sampleBody } from '../target/actor-world.js'

const ONE = 1024
const OTHER = 2048
const PAGE = 50
const DRAFTS_A_POST = 100
const POSTS_IN_FLIGHT = 24
/** While it is filled, a box takes more at once than it is given by default: otherwise filling waits for flushes. */
const DELIVERY = { appendItems: 1_000, appendBytes: 1024 * 1024, keptEntries: 8_192, keptBytes: 16 * 1024 * 1024 }
const SENDERS = 64
const ORIGIN = { authKey: '0000000000000400', session: '0000000000000001' }
/** The cost is flat when it is no more than this beside the chat that stays small. */
const FLAT = 1.5
const SEED = 7

/** What is measured at one size of the history. */
interface Costs {
  readonly sendCpuUs: number
  readonly sendMs: number
  readonly newestPageUs: number
  readonly randomPageUs: number
  readonly openMs: number
}

interface Sizing {
  readonly messages: number
  readonly grown: Costs
  /** Those of the chat that stays small, at the same time. */
  readonly small: Costs
  readonly writtenBytesPerMessage: number
  readonly diskBytes: number
}

const COSTS = ['sendCpuUs', 'sendMs', 'newestPageUs', 'randomPageUs', 'openMs'] as const satisfies (keyof Costs)[]
const COST_NAMES: Readonly<Record<keyof Costs, string>> = {
  sendCpuUs: 'CPU of a send',
  sendMs: 'time of a send (p50)',
  newestPageUs: 'newest page',
  randomPageUs: 'page at a random place',
  openMs: 'opening store and actors',
}

/** A private chat between two accounts, in a store of its own. */
class BenchChat {
  readonly #run: Run
  readonly #directory: string
  #world: ActorWorld
  #messages = 0
  #seed = SEED

  static async begin(run: Run, name: string): Promise<BenchChat> {
    const directory = join(run.scratch, name)
    const chat = new BenchChat(run, directory, await openActorWorld({ directory, delivery: DELIVERY }))
    run.onEnd(() => chat.#world.stop())
    await registerAccounts(chat.#world.system, [ONE, OTHER])
    return chat
  }

  private constructor(run: Run, directory: string, world: ActorWorld) {
    this.#run = run
    this.#directory = directory
    this.#world = world
  }

  get messages(): number {
    return this.#messages
  }

  get writtenBytes(): number {
    return this.#world.storage.counters.bytes
  }

  get diskBytes(): number {
    return bytesUnder(this.#directory)
  }

  async growTo(messages: number): Promise<void> {
    const grow = async () => {
      while (this.#messages < messages) await this.#post(Math.min(DRAFTS_A_POST, messages - this.#messages))
    }
    const told = setInterval(() => this.#run.progress(`${shortly(this.#messages)} messages`), 5_000)
    try {
      await Promise.all(Array.from({ length: POSTS_IN_FLIGHT }, grow))
    } finally {
      clearInterval(told)
    }
  }

  /** Opens the store and has both actors answer: snapshots and tails are read, never the history. */
  async open(): Promise<number> {
    await this.#world.stop()
    const started = performance.now()
    this.#world = await openActorWorld({ directory: this.#directory, delivery: DELIVERY })
    await Promise.all([this.#chat.audience({ by: ONE }), this.#reader.boxState()])
    return performance.now() - started
  }

  /** Microseconds of CPU a message with many senders at once, one message a post. */
  async sendMany(count: number): Promise<number> {
    const before = process.cpuUsage()
    const end = this.#messages + count
    const send = async () => {
      while (this.#messages < end) await this.#post(1)
    }
    await Promise.all(Array.from({ length: SENDERS }, send))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / count
  }

  async send(): Promise<number> {
    const started = performance.now()
    await this.#post(1)
    return performance.now() - started
  }

  async newestPage(): Promise<number> {
    return this.#page(0)
  }

  async randomPage(): Promise<number> {
    return this.#page(PAGE + Math.floor(this.#random() * (this.#messages - PAGE)))
  }

  get #chat() {
    return this.#world.system.ref(Chat, privateChat(ONE, OTHER))
  }

  get #reader() {
    return this.#world.system.ref(User, OTHER)
  }

  async #post(count: number): Promise<void> {
    const drafts = Array.from({ length: count }, () => {
      const n = ++this.#messages
      return { op: `r${n.toString(16).padStart(16, '0')}`, body: sampleBody(n) }
    })
    for (;;) {
      try {
        await this.#chat.post({ by: ONE, origin: ORIGIN, drafts })
        return
      } catch (error) {
        // On a machine that is busy with other things: as a client would, with the same operation ids.
        if (errorCode(error) !== 'OUTCOME_UNKNOWN' && errorCode(error) !== 'DEADLINE_EXCEEDED') throw error
      }
    }
  }

  async #page(offsetId: number): Promise<number> {
    const started = performance.now()
    const page = await this.#reader.history({
      peer: { kind: 'user', id: ONE },
      offsetId,
      offsetDate: 0,
      addOffset: 0,
      limit: PAGE,
      maxId: 0,
      minId: 0,
    })
    const tookUs = (performance.now() - started) * 1000
    if (page.messages.length < PAGE - 1) throw new Error(`a page of ${page.messages.length}`)
    return tookUs
  }

  /** The same pages are asked for in every run (mulberry32). */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Takes samples of both chats in turns, so that disk and machine are the same for both. */
async function inTurns(grown: BenchChat, small: BenchChat, rounds: number, once: (chat: BenchChat) => Promise<number>) {
  const samples = new Map<BenchChat, number[]>([
    [grown, []],
    [small, []],
  ])
  for (let round = 0; round < rounds; round++) {
    for (const chat of round % 2 === 0 ? [grown, small] : [small, grown]) samples.get(chat)!.push(await once(chat))
  }
  return { grown: median(samples.get(grown)!), small: median(samples.get(small)!) }
}

async function measured(run: Run, grown: BenchChat, small: BenchChat, latencies: LatencySummary[]): Promise<Sizing> {
  const messages = grown.messages
  run.progress(`measuring at ${shortly(messages)} messages`)
  const few = run.sized({ quick: 2, normal: 5 })
  const many = run.sized({ quick: 10, normal: 200 })
  const sends = new Latencies()
  const openMs = await inTurns(grown, small, few, (chat) => chat.open())
  const newestPageUs = await inTurns(grown, small, many, (chat) => chat.newestPage())
  const randomPageUs = await inTurns(grown, small, many, (chat) => chat.randomPage())
  const sendMs = await inTurns(grown, small, many, async (chat) => {
    const ms = await chat.send()
    if (chat === grown) sends.record(ms)
    return ms
  })
  const [writtenBefore, before] = [grown.writtenBytes, grown.messages]
  const sendCpuUs = await inTurns(grown, small, few, (chat) => chat.sendMany(many * 5))
  latencies.push(sends.summary(`send at ${shortly(messages)}`))
  const costs = (which: 'grown' | 'small'): Costs => ({
    sendCpuUs: sendCpuUs[which],
    sendMs: sendMs[which],
    newestPageUs: newestPageUs[which],
    randomPageUs: randomPageUs[which],
    openMs: openMs[which],
  })
  return {
    messages,
    grown: costs('grown'),
    small: costs('small'),
    writtenBytesPerMessage: (grown.writtenBytes - writtenBefore) / (grown.messages - before),
    diskBytes: grown.diskBytes,
  }
}

/** Told as soon as it is known: the largest sizes take long. */
function ratiosOf({ grown, small, writtenBytesPerMessage }: Sizing): string {
  const ratios = COSTS.map((cost) => `${COST_NAMES[cost]} ${shown(grown[cost] / small[cost])} x`)
  return [...ratios, `${shown(writtenBytesPerMessage)} bytes written a send`].join(', ')
}

function bytesUnder(directory: string): number {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.reduce((sum, { parentPath, path, name }) => sum + statSync(join(parentPath ?? path, name)).size, 0)
}

async function runHistoryGrowth(run: Run): Promise<Outcome> {
  const sizes = run.sized({
    quick: [200, 1_000],
    normal: [10_000, 30_000, 100_000, 300_000, 1_000_000],
    full: [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
  })
  const grown = await BenchChat.begin(run, 'grown')
  const small = await BenchChat.begin(run, 'small')
  const latencies: LatencySummary[] = []
  const found: Sizing[] = []
  await small.growTo(sizes[0]! / 2)
  await grown.growTo(sizes[0]! / 2)
  await measured(run, grown, small, [])
  for (const size of sizes) {
    await grown.growTo(size)
    const sizing = await measured(run, grown, small, latencies)
    found.push(sizing)
    run.progress(`at ${shortly(sizing.messages)} messages: ${ratiosOf(sizing)}`)
  }
  const last = found.at(-1)!
  const line = (cost: keyof Costs, unit: string): LinePlot => ({
    kind: 'lines',
    title: COST_NAMES[cost],
    x: { name: 'messages in the history', logarithmic: true },
    y: { name: unit },
    lines: [
      {
        name: 'the chat that grows',
        points: found.map(({ messages, grown: costs }) => [messages, costs[cost]] as const),
      },
      {
        name: 'the chat that stays small',
        points: found.map(({ messages, small: costs }) => [messages, costs[cost]] as const),
      },
    ],
  })
  return {
    figures: [
      ...COSTS.map((cost) => ({
        name: `${COST_NAMES[cost]}, beside the small chat`,
        value: last.grown[cost] / last.small[cost],
        unit: 'x',
        must: { atMost: FLAT },
      })),
      { name: 'messages in the end', value: last.messages, unit: '' },
      { name: 'disk a message', value: last.diskBytes / last.messages, unit: 'bytes' },
    ],
    plots: [
      line('sendCpuUs', 'us'),
      line('sendMs', 'ms'),
      line('newestPageUs', 'us'),
      line('randomPageUs', 'us'),
      line('openMs', 'ms'),
    ],
    latencies,
    tables: [
      {
        title: 'By size of the history: the chat that grows / the small one',
        columns: ['messages', ...COSTS.map((cost) => COST_NAMES[cost]), 'bytes written a send', 'disk MiB'],
        rows: found.map((sizing) => [
          shortly(sizing.messages),
          ...COSTS.map((cost) => `${shown(sizing.grown[cost])} / ${shown(sizing.small[cost])}`),
          sizing.writtenBytesPerMessage,
          sizing.diskBytes / 2 ** 20,
        ]),
      },
    ],
    notes: [
      'A private chat between two accounts, written through the actors: an entry in the chat and one in each box, in shared flushes. No gateway and no network. The small chat is in a store of its own.',
      `The history grows by posts of ${DRAFTS_A_POST} messages through the same actors, ${POSTS_IN_FLIGHT} at a time, of which a box takes up to ${DELIVERY.appendItems} in a commit; what is measured are posts of one, pages of ${PAGE}. CPU is the whole process's, in us; times of pages in us, of sends and opening in ms.`,
      'The file system may hold the whole data file in memory: reads from a cold disk are not measured.',
    ],
  }
}

export const historyGrowth: Scenario = {
  name: 'history-growth',
  summary: 'cost of a send and of a history page while a chat grows to 1 million messages (--full: 10 million)',
  run: runHistoryGrowth,
}
