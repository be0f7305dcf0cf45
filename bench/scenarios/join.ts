import { User } from '../../actors/index.js'
import type { LoadDuties, LoadResult } from '../client/load-worker.js'
import { shortly } from '../report/figures.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { BenchCluster, type Owned } from '../target/bench-cluster.js'
import { makeKnown } from '../target/known-actors.js'
import { seedAccountsIn } from '../target/seeded-accounts.js'
import { openServerWorld } from '../target/server-world.js'
import { Worker } from '../target/worker-port.js'

const LOOK_EVERY_MS = 100
/** What calls may wait while shards move as planned. */
const MOST_WAIT_MS = 250
/** No account of `seedAccounts` has such a number. */
const FIRST_KNOWN = 2 ** 40

/** Where the shards were, by the time since the new node was started. */
interface Sight extends Owned {
  readonly atMs: number
}

class Watch {
  readonly sights: Sight[] = []
  readonly #cluster: BenchCluster
  readonly #startedMs = performance.now()
  #isOver = false
  readonly #looking: Promise<void>

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster
    this.#looking = this.#look()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#looking
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      this.sights.push({ ...(await this.#cluster.owned()), atMs: performance.now() - this.#startedMs })
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }
}

async function loaded(clients: Worker<LoadDuties>, rate: number, until: () => Promise<unknown>): Promise<LoadResult> {
  const load = clients.ask('load', { mode: 'open', rate, seconds: 3_600 })
  try {
    await until()
  } finally {
    await clients.ask('stop')
  }
  return load
}

async function runJoin(run: Run): Promise<Outcome> {
  const known = run.sized({ quick: 300, normal: 100_000, full: 1_000_000 })
  const people = run.sized({ quick: 8, normal: 400 })
  const rate = run.sized({ quick: 20, normal: 60 })
  const seconds = run.sized({ quick: 1, normal: 20 })
  const cluster = await BenchCluster.open(run)
  const { env } = cluster.stores
  const world = await openServerWorld(env)
  run.progress(`${people} accounts are made`)
  const accounts = await seedAccountsIn(world, people, 16)
  const like = FIRST_KNOWN - 1
  await world.system.ref(User, like).register({
    phone: '15559999999',
    profile: { firstName: 'Known', lastName: 'But Away', about: '' },
  })
  await world.stop()
  const makingMs = performance.now()
  await makeKnown(env.HELIOGRAPH_CASSANDRA!, like, numbersFrom(FIRST_KNOWN, known), (made) => {
    if (made % 10_000 === 0) run.progress(`${shortly(made)} of ${shortly(known)} known accounts`)
  })
  const madeSeconds = (performance.now() - makingMs) / 1_000
  await checkKnown(env, known)

  await cluster.start('node-1', 'actors')
  await cluster.start('gateway-1', 'gateway')
  await cluster.balancedOn(['node-1'])
  const clients = Worker.start<LoadDuties>(new URL('../client/load-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  await clients.ask('connect', { ...cluster.mtproto, people: accounts })
  run.progress('before')
  const pause = () => new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  await loaded(clients, rate, pause)
  const quiet = await loaded(clients, rate, pause)
  const [node] = (await cluster.done()).filter(({ name }) => name === 'node-1')
  const residents = node!.metrics.get('heliograph_actor_resident') ?? 0

  run.progress('a node joins')
  const before = await cluster.owned()
  const watch = new Watch(cluster)
  let last: Owned = before
  const joining = await loaded(clients, rate, async () => {
    await cluster.start('node-2', 'actors')
    run.progress('shards move')
    last = await cluster.balancedOn(['node-1', 'node-2'])
  })
  await watch.end()
  run.progress('the load has ended')
  const errors = { ...quiet.errors, ...joining.errors }
  if (Object.keys(errors).length > 0) throw new Error(`errors: ${JSON.stringify(errors)}`)
  if (joining.pushed !== joining.answered) throw new Error(`${joining.answered} answered, ${joining.pushed} arrived`)
  return outcomeOf({ known, residents, rate, madeSeconds, before, last, sights: watch.sights, quiet, joining })
}

/** Rows that were written past the program are worth nothing unless it opens them. */
async function checkKnown(env: Readonly<Record<string, string>>, known: number): Promise<void> {
  const world = await openServerWorld(env)
  try {
    for (const at of [0, known >> 1, known - 1]) {
      const profile = await world.system.ref(User, FIRST_KNOWN + at).profile()
      if (profile?.firstName !== 'Known') throw new Error(`a known account opens as ${JSON.stringify(profile)}`)
    }
  } finally {
    await world.stop()
  }
}

function* numbersFrom(first: number, count: number): Generator<number> {
  for (let at = 0; at < count; at++) yield first + at
}

interface Found {
  readonly known: number
  readonly residents: number
  readonly rate: number
  readonly madeSeconds: number
  readonly before: Owned
  readonly last: Owned
  readonly sights: readonly Sight[]
  readonly quiet: LoadResult
  readonly joining: LoadResult
}

function outcomeOf({ known, residents, rate, madeSeconds, before, last, sights, quiet, joining }: Found): Outcome {
  const share = ({ shardsOf }: Owned) => shardsOf.get('node-2') ?? 0
  const planned = sights.find(({ view }) => view > before.view)
  const first = sights.find((sight) => share(sight) > 0)
  const done = sights.find(({ view }) => view >= last.view) ?? sights.at(-1)!
  const seconds = (sight: Sight | undefined) => (sight?.atMs ?? done.atMs) / 1_000
  return {
    figures: [
      { name: 'a member, to all shards moved', value: seconds(done) - seconds(planned), unit: 's' },
      { name: 'of it, the first shard to the last', value: seconds(done) - seconds(first), unit: 's' },
      { name: 'process started, to a member', value: seconds(planned), unit: 's' },
      { name: 'shards moved', value: share(last), unit: 'shards' },
      { name: 'changes of the register', value: last.view - before.view, unit: 'views' },
      {
        name: 'p99 of the answer meanwhile',
        value: joining.answer.p99Ms,
        unit: 'ms',
        must: { atMost: MOST_WAIT_MS },
      },
      { name: 'p99 of the answer before', value: quiet.answer.p99Ms, unit: 'ms' },
      { name: 'longest meanwhile', value: joining.answer.maxMs, unit: 'ms' },
      { name: 'calls that failed', value: 0, unit: 'calls', must: { atMost: 0 } },
      { name: 'known accounts', value: known, unit: 'accounts' },
      { name: 'actors in memory of the first node', value: residents, unit: 'actors' },
    ],
    latencies: [
      { ...quiet.answer, name: 'answer, before' },
      { ...joining.answer, name: 'answer, while the node joins' },
    ],
    plots: [
      {
        kind: 'lines',
        title: 'Shards of the new node',
        x: { name: 'seconds since its process was started' },
        y: { name: 'shards' },
        lines: [
          { name: 'its own', points: sights.map((sight) => [sight.atMs / 1_000, share(sight)]) },
          { name: 'still to move', points: sights.map(({ atMs, toMove }) => [atMs / 1_000, toMove]) },
        ],
      },
    ],
    notes: [
      `${shortly(known)} accounts with a journal in Cassandra beside those that write (made in ${Math.round(madeSeconds)} s); of all, ${residents} actors were in memory when the second node was started. ${rate} messages a second all the while, open loop: latency counts from when a message was due.`,
      'A shard that moves costs what of it is in memory and what of it is undelivered; actors that are only known are not touched.',
      'All processes and Cassandra share one machine: starting a process takes a core for a while, and that is in the latencies.',
    ],
  }
}

export const join: Scenario = {
  name: 'join',
  summary:
    'a node joins a cluster that knows many accounts: how long shards move, and what calls wait (--full: a million)',
  needs: 'cassandra',
  run: runJoin,
}
