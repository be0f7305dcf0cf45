import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Chat, privateChat, User } from '../../actors/index.js'
import { Latencies, type LatencySummary } from '../measure/latency.js'
import { median } from '../measure/repetitions.js'
import { shortly } from '../report/figures.js'
import type { LinePlot, Outcome, Run, Scenario } from '../scenario.js'
import { type ActorWorld, openActorWorld, registerAccounts, sampleBody } from '../target/actor-world.js'

const ONE = 1024
const OTHER = 2048
const PAGE = 50
const DRAFTS_A_POST = 100
const POSTS_IN_FLIGHT = 8
const ORIGIN = { authKey: '0000000000000400', session: '0000000000000001' }
/** The history is flat when a figure has grown by no more than this from the first size to the last. */
const FLAT = 1.5
const SEED = 7

/** What is measured at one size of the history. */
interface Sizing {
  readonly messages: number
  readonly sendCpuUs: number
  readonly send: LatencySummary
  readonly newestPageUs: number
  readonly randomPageUs: number
  readonly openMs: number
  readonly writtenBytesPerMessage: number
  readonly diskBytes: number
}

/** A private chat between two accounts that grows and grows. */
class GrowingChat {
  readonly #run: Run
  readonly #directory: string
  #world: ActorWorld
  #messages = 0
  #seed = SEED

  static async begin(run: Run): Promise<GrowingChat> {
    const directory = join(run.scratch, 'data')
    const chat = new GrowingChat(run, directory, await openActorWorld({ directory }))
    run.onEnd(() => chat.#world.stop())
    await registerAccounts(chat.#world.system, [ONE, OTHER])
    return chat
  }

  private constructor(run: Run, directory: string, world: ActorWorld) {
    this.#run = run
    this.#directory = directory
    this.#world = world
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
    await this.#chat.post({ by: ONE, origin: ORIGIN, drafts })
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

  async measure(): Promise<Sizing> {
    this.#run.progress(`measuring at ${shortly(this.#messages)} messages`)
    const messages = this.#messages
    const sends = this.#run.sized({ quick: 20, normal: 200 })
    const openMs = await this.#reopen()
    const { sendCpuUs, writtenBytesPerMessage } = await this.#sendMany(sends * 10)
    return {
      messages,
      openMs,
      sendCpuUs,
      writtenBytesPerMessage,
      send: await this.#sendOneByOne(sends),
      newestPageUs: await this.#page(sends, () => 0),
      randomPageUs: await this.#page(sends, () => 1 + Math.floor(this.#random() * messages)),
      diskBytes: bytesUnder(this.#directory),
    }
  }

  /** From a cold start to the first answer of both actors: snapshots and tails, never the history. */
  async #reopen(): Promise<number> {
    const took: number[] = []
    for (let i = 0; i < 3; i++) {
      await this.#world.stop()
      this.#world = await openActorWorld({ directory: this.#directory })
      const started = performance.now()
      await Promise.all([this.#chat.audience({ by: ONE }), this.#reader.boxState()])
      took.push(performance.now() - started)
    }
    return median(took)
  }

  /** CPU a message with many senders at once, one message a post. */
  async #sendMany(count: number): Promise<{ sendCpuUs: number; writtenBytesPerMessage: number }> {
    const written = this.#world.storage.counters.bytes
    const before = process.cpuUsage()
    const end = this.#messages + count
    const send = async () => {
      while (this.#messages < end) await this.#post(1)
    }
    await Promise.all(Array.from({ length: 64 }, send))
    const { user, system } = process.cpuUsage(before)
    return {
      sendCpuUs: (user + system) / count,
      writtenBytesPerMessage: (this.#world.storage.counters.bytes - written) / count,
    }
  }

  async #sendOneByOne(count: number): Promise<LatencySummary> {
    const latencies = new Latencies()
    for (let i = 0; i < count; i++) {
      const started = performance.now()
      await this.#post(1)
      latencies.record(performance.now() - started)
    }
    return latencies.summary(`send at ${shortly(this.#messages)}`)
  }

  async #page(count: number, offset: () => number): Promise<number> {
    const took: number[] = []
    for (let i = 0; i < count; i++) {
      const offsetId = offset()
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
      took.push((performance.now() - started) * 1000)
      if (offsetId === 0 && page.messages.length !== PAGE) throw new Error(`a page of ${page.messages.length}`)
    }
    return median(took)
  }

  /** The same pages are asked for in every run (mulberry32). */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
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
  const chat = await GrowingChat.begin(run)
  await chat.growTo(sizes[0]! / 2)
  await chat.measure()
  const found: Sizing[] = []
  for (const size of sizes) {
    await chat.growTo(size)
    found.push(await chat.measure())
  }
  const [first, last] = [found[0]!, found.at(-1)!]
  const grown = (name: string, of: (sizing: Sizing) => number) => ({
    name: `${name}, last size to first`,
    value: of(last) / of(first),
    unit: 'x',
    must: { atMost: FLAT },
  })
  const line = (title: string, unit: string, lines: Record<string, (sizing: Sizing) => number>): LinePlot => ({
    kind: 'lines',
    title,
    x: { name: 'messages in the history', logarithmic: true },
    y: { name: unit },
    lines: Object.entries(lines).map(([name, of]) => ({
      name,
      points: found.map((sizing) => [sizing.messages, of(sizing)] as const),
    })),
  })
  return {
    figures: [
      grown('CPU of a send', ({ sendCpuUs }) => sendCpuUs),
      grown('time of a send (p50)', ({ send }) => send.p50Ms),
      grown('newest page', ({ newestPageUs }) => newestPageUs),
      grown('random page', ({ randomPageUs }) => randomPageUs),
      grown('opening both actors', ({ openMs }) => openMs),
      { name: 'messages in the end', value: last.messages, unit: '' },
      { name: 'disk a message', value: last.diskBytes / last.messages, unit: 'bytes' },
    ],
    plots: [
      line('CPU of a send', 'us', { 'CPU a message, 64 senders': ({ sendCpuUs }) => sendCpuUs }),
      line('Time of a send, one by one', 'ms', { p50: ({ send }) => send.p50Ms, p99: ({ send }) => send.p99Ms }),
      line(`A page of ${PAGE} messages`, 'us', {
        newest: ({ newestPageUs }) => newestPageUs,
        'at a random place': ({ randomPageUs }) => randomPageUs,
      }),
    ],
    latencies: found.map(({ send }) => send),
    tables: [
      {
        title: 'By size of the history',
        columns: [
          'messages',
          'send CPU us',
          'send p50 ms',
          'newest page us',
          'random page us',
          'open ms',
          'bytes written/send',
          'disk MiB',
        ],
        rows: found.map((sizing) => [
          shortly(sizing.messages),
          sizing.sendCpuUs,
          sizing.send.p50Ms,
          sizing.newestPageUs,
          sizing.randomPageUs,
          sizing.openMs,
          sizing.writtenBytesPerMessage,
          sizing.diskBytes / 2 ** 20,
        ]),
      },
    ],
    notes: [
      'One private chat between two accounts, written through the actors: an entry in the chat and one in each box, in shared flushes. No gateway and no network.',
      `The history grows by posts of ${DRAFTS_A_POST} messages; what is measured are posts of one. Actors are opened anew, from disk, before each measurement.`,
      'The file system may hold the whole data file in memory: reads from a cold disk are not measured.',
    ],
  }
}

export const historyGrowth: Scenario = {
  name: 'history-growth',
  summary: 'cost of a send and of a history page while a chat grows to 1 million messages (--full: 10 million)',
  run: runHistoryGrowth,
}
