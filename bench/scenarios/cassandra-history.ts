import cassandra from 'cassandra-driver'
import { type Journal, systemRandom } from '../../runtime/index.js'
import { Latencies } from '../measure/latency.js'
import { alternate, figureOf, median, ratios, type Side } from '../measure/repetitions.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { barePage, type CassandraTarget, cassandraTarget } from '../target/cassandra-target.js'

const PAGE = 50
const PER_COMMIT = 100
const START_MS = 1_700_000_000_000
const CHAT = { kind: 'chat', key: 'history', shard: 1 }
const fact = Buffer.alloc(60, 7)
const body = Buffer.alloc(240, 9)

/** Reads pages one after another, each after a random message. Answers with the median, in milliseconds. */
class Reading implements Side {
  readonly name: string
  readonly latencies = new Latencies()
  readonly #pages: number
  readonly #messages: number
  readonly #page: (after: number) => Promise<{ readonly length: number }>

  constructor(
    name: string,
    pages: number,
    messages: number,
    page: (after: number) => Promise<{ readonly length: number }>,
  ) {
    this.name = name
    this.#pages = pages
    this.#messages = messages
    this.#page = page
  }

  async once(): Promise<number> {
    const times: number[] = []
    for (let i = 0; i < this.#pages; i++) {
      const after = systemRandom.int(this.#messages - PAGE)
      const started = performance.now()
      const { length } = await this.#page(after)
      times.push(performance.now() - started)
      if (length !== PAGE) throw new Error(`${this.name}: a page of ${length} after ${after}`)
    }
    for (const time of times) this.latencies.record(time)
    return median(times)
  }
}

async function writtenChat({ storage }: CassandraTarget, messages: number): Promise<Journal> {
  const { journal } = await storage.journals.open(CHAT, { epoch: 1, attempt: 1, mayKeepWriter: false })
  for (let from = 0; from < messages; from += PER_COMMIT) {
    const entries = Array.from({ length: PER_COMMIT }, (_, i) => {
      return { pts: from + 1 + i, ordinal: 0, count: 1, atMs: START_MS + from, fact, body }
    })
    await journal.commit({ entries })
  }
  return journal
}

async function measure(run: Run): Promise<Outcome> {
  const target = await cassandraTarget(run)
  const messages = run.sized({ quick: 1_000, normal: 50_000, full: 100_000 })
  const pages = run.sized({ quick: 50, normal: 500 })
  run.progress(`writing ${messages} messages`)
  const journal = await writtenChat(target, messages)
  const options = { prepare: true, consistency: cassandra.types.consistencies.localOne, isIdempotent: true }
  const sides = [
    new Reading('port', pages, messages, (pts) => journal.read({ pts, ordinal: 0 }, Number.MAX_SAFE_INTEGER, PAGE)),
    new Reading('bare', pages, messages, async (pts) => {
      const { rows } = await target.bare.execute(barePage, [CHAT.key, 0, pts, 0, PAGE], options)
      return rows
    }),
  ]
  const samples = await alternate(run, sides, run.sized({ quick: 1, normal: 7 }))
  const [atPort = [], bare = []] = [samples.get('port'), samples.get('bare')]
  const targets = { must: { atMost: 1.3 }, aim: { atMost: 1.1 } }
  return {
    figures: [
      figureOf('p50 of a page beside the floor', 'x floor', ratios(atPort, bare), targets),
      figureOf('p50 of a page through the port', 'ms', atPort),
      figureOf('p50 of the same range, bare', 'ms', bare),
    ],
    latencies: sides.map((side) => side.latencies.summary(side.name)),
    plots: [
      {
        kind: 'bars',
        title: `A page of ${PAGE} out of ${messages} messages, p50`,
        unit: 'ms',
        bars: [
          { name: 'port', parts: [{ name: 'page', value: median(atPort) }] },
          { name: 'bare', parts: [{ name: 'page', value: median(bare) }] },
        ],
      },
    ],
    notes: [
      'One page at a time, at random places, LOCAL_ONE on both sides; the floor takes rows as the driver gives them.',
    ],
  }
}

export const cassandraHistory: Scenario = {
  name: 'cassandra-history',
  summary: 'a page of settled history through the port, beside the same range read by the bare driver',
  needs: 'cassandra',
  run: measure,
}
