import cassandra from 'cassandra-driver'
import type { Journal } from '../../runtime/index.js'
import { Latencies } from '../measure/latency.js'
import { alternate, figureOf, median, ratios, type Side } from '../measure/repetitions.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { bareInsert, type CassandraTarget, cassandraTarget } from '../target/cassandra-target.js'

const IN_FLIGHT = 64
const START_MS = 1_700_000_000_000
const fact = Buffer.alloc(60, 7)
const body = Buffer.alloc(240, 9)

/** Writes `commits` in all: one after another in each chat, all chats at once. Answers with commits a second. */
class Writing implements Side {
  readonly name: string
  readonly latencies = new Latencies()
  readonly #commitsPerChat: number
  readonly #commit: (chat: number, pts: number) => Promise<unknown>
  #pts = 0

  constructor(name: string, commits: number, commit: (chat: number, pts: number) => Promise<unknown>) {
    this.name = name
    this.#commitsPerChat = Math.ceil(commits / IN_FLIGHT)
    this.#commit = commit
  }

  async once(): Promise<number> {
    const started = performance.now()
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, chat) => this.#write(chat)))
    this.#pts += this.#commitsPerChat
    return (this.#commitsPerChat * IN_FLIGHT) / ((performance.now() - started) / 1000)
  }

  async #write(chat: number): Promise<void> {
    for (let i = 1; i <= this.#commitsPerChat; i++) {
      const sentMs = performance.now()
      await this.#commit(chat, this.#pts + i)
      this.latencies.record(performance.now() - sentMs)
    }
  }
}

async function port({ storage }: CassandraTarget, commits: number): Promise<Writing> {
  const journals: Journal[] = []
  for (let chat = 0; chat < IN_FLIGHT; chat++) {
    const actor = { kind: 'chat', key: `port-${chat}`, shard: chat }
    const { journal } = await storage.journals.open(actor, { epoch: 1, attempt: 1, mayKeepWriter: false })
    journals.push(journal)
  }
  return new Writing('port', commits, (chat, pts) => {
    return journals[chat]!.commit({ entries: [{ pts, ordinal: 0, count: 1, atMs: START_MS + pts, fact, body }] })
  })
}

function floor({ bare }: CassandraTarget, commits: number): Writing {
  const options = { prepare: true, consistency: cassandra.types.consistencies.localQuorum }
  return new Writing('floor', commits, (chat, pts) => {
    const row = [`floor-${chat}`, 0, pts, 0, 1, 1, 1, 0, 0, pts * 420, new Date(START_MS + pts), fact, body]
    return bare.execute(bareInsert, row, options)
  })
}

async function measure(run: Run): Promise<Outcome> {
  const target = await cassandraTarget(run)
  const commits = run.sized({ quick: 640, normal: 12_800, full: 64_000 })
  const sides = [await port(target, commits), floor(target, commits)]
  const samples = await alternate(run, sides, run.sized({ quick: 1, normal: 7 }))
  const [atPort = [], atFloor = []] = [samples.get('port'), samples.get('floor')]
  const targets = { must: { atLeast: 0.7 }, aim: { atLeast: 0.9 } }
  return {
    figures: [
      figureOf('commits beside the floor', 'x floor', ratios(atPort, atFloor), targets),
      figureOf('commits of the port', 'commits/s', atPort),
      figureOf('inserts of a bare loop', 'inserts/s', atFloor),
    ],
    latencies: sides.map((side) => side.latencies.summary(side.name)),
    plots: [
      {
        kind: 'bars',
        title: `Durable commits of 300 bytes, ${IN_FLIGHT} at once`,
        unit: 'commits/s',
        bars: [
          { name: 'port', parts: [{ name: 'commits', value: median(atPort) }] },
          { name: 'bare loop', parts: [{ name: 'inserts', value: median(atFloor) }] },
        ],
      },
    ],
    notes: [
      `The floor writes the same rows with the driver alone, ${IN_FLIGHT} at once, in the same run and in turns.`,
    ],
  }
}

export const cassandraCommits: Scenario = {
  name: 'cassandra-commits',
  summary: 'durable commits/s of the port on Cassandra, beside the same rows written by a bare loop over the driver',
  needs: 'cassandra',
  run: measure,
}
