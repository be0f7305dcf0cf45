import type { Load, LoadDuties, LoadResult } from '../client/load-worker.js'
import { figureOf, median } from '../measure/repetitions.js'
import { shown } from '../report/figures.js'
import type { Figure, Outcome, Run, Scenario } from '../scenario.js'
import { BenchCluster, type Done, doneBetween } from '../target/bench-cluster.js'
import { seedAccountsIn } from '../target/seeded-accounts.js'
import { openServerWorld } from '../target/server-world.js'
import { Worker } from '../target/worker-port.js'

/** The cost is flat when that of any number of nodes is no more than this beside that of one. */
const FLAT = 1.15
/** Part of the messages that has to be answered for a look to count. */
const LEAST_ANSWERED = 0.98
const GATEWAY = 'gateway-1'

/** What one number of nodes cost, from one look. */
interface Look {
  readonly nodes: number
  /** CPU of all nodes and the gateway while nobody writes, in parts of a core. */
  readonly idleCores: number
  readonly idleGatewayCores: number
  /** CPU of all nodes and the gateway a message, microseconds. */
  readonly costUs: number
  readonly gatewayUs: number
  /** The same without what they cost when nobody writes. */
  readonly netUs: number
  /** Calls to other processes a message, and how long each was on the way beside its own time there. */
  readonly remoteCalls: number
  readonly betweenMs: number
  readonly thereMs: number
  readonly result: LoadResult
}

const sumOf = (done: readonly Done[], value: (each: Done) => number) => done.reduce((sum, each) => sum + value(each), 0)
const metric = (done: readonly Done[], name: string) => sumOf(done, ({ metrics }) => metrics.get(name) ?? 0)
const cpuOf = (done: readonly Done[]) => sumOf(done, ({ cpuSeconds }) => cpuSeconds)
const gatewayOf = (done: readonly Done[]) => done.filter(({ name }) => name === GATEWAY)

async function during(cluster: BenchCluster, what: () => Promise<unknown>) {
  const before = await cluster.done()
  const startedMs = performance.now()
  await what()
  const seconds = (performance.now() - startedMs) / 1_000
  return { done: doneBetween(before, await cluster.done()), seconds }
}

interface Sizes {
  readonly rate: number
  readonly seconds: number
  readonly idleSeconds: number
}

async function looked(cluster: BenchCluster, clients: Worker<LoadDuties>, nodes: number, sizes: Sizes): Promise<Look> {
  const { rate, seconds, idleSeconds } = sizes
  const idle = await during(cluster, () => new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000)))
  const idleCores = cpuOf(idle.done) / idle.seconds
  let result: LoadResult | undefined
  const load = await during(cluster, async () => {
    result = await clients.ask('load', { mode: 'open', rate, seconds })
  })
  const { sent, answered, errors, pushed } = result!
  // The machine is busy with other things: what is refused for that would count as cheap, or as dear.
  if (answered < sent * LEAST_ANSWERED) throw new Error(`of ${sent} messages ${answered}: ${JSON.stringify(errors)}`)
  if (pushed !== answered) throw new Error(`${answered} messages were answered, ${pushed} arrived`)
  const perMessage = (seconds: number) => (seconds / answered) * 1e6
  const timed = metric(load.done, 'heliograph_node_calls_timed_total')
  return {
    nodes,
    idleCores,
    idleGatewayCores: cpuOf(gatewayOf(idle.done)) / idle.seconds,
    costUs: perMessage(cpuOf(load.done)),
    gatewayUs: perMessage(cpuOf(gatewayOf(load.done))),
    netUs: perMessage(cpuOf(load.done) - idleCores * load.seconds),
    remoteCalls: metric(load.done, 'heliograph_node_calls_total') / answered,
    betweenMs: (metric(load.done, 'heliograph_node_calls_between_seconds_total') / timed) * 1_000,
    thereMs: (metric(load.done, 'heliograph_node_calls_there_seconds_total') / timed) * 1_000,
    result: result!,
  }
}

/** V8 compiles what runs often: each process is to have run as often before it is measured. */
async function warmUp(clients: Worker<LoadDuties>, messages: number, inFlight: number): Promise<void> {
  const load: Load = { mode: 'closed', inFlight, seconds: 2 }
  for (let sent = 0; sent < messages; ) sent += (await clients.ask('load', load)).answered
}

/** BENCH_NODES=1,2,4 for a machine that has no room for more. */
function countsGiven(): number[] | undefined {
  return process.env.BENCH_NODES?.split(',').map(Number)
}

/** Up and down again, so that what the machine does meanwhile and what has grown warm falls on all alike. */
function steps(counts: readonly number[], rounds: number): number[] {
  const walk: number[] = []
  for (let round = 0; round < rounds; round++) walk.push(...(round % 2 === 0 ? counts : counts.toReversed()))
  return walk
}

async function runGrowth(run: Run): Promise<Outcome> {
  const counts = countsGiven() ?? run.sized({ quick: [1, 2], normal: [1, 2, 4, 8] })
  const sizes = run.sized<Sizes>({
    quick: { rate: 20, seconds: 2, idleSeconds: 1 },
    normal: { rate: 100, seconds: 25, idleSeconds: 8 },
    full: { rate: 100, seconds: 60, idleSeconds: 20 },
  })
  const people = run.sized({ quick: 8, normal: 100, full: 400 })
  const warmMessages = run.sized({ quick: 20, normal: 3_000, full: 10_000 })
  const cluster = await BenchCluster.open(run)
  run.progress(`${people} accounts are made`)
  const world = await openServerWorld(cluster.stores.env)
  const accounts = await seedAccountsIn(world, people, 16)
  await world.stop()

  const names = (count: number) => Array.from({ length: count }, (_, at) => `node-${at + 1}`)
  await cluster.start(names(1)[0]!, 'actors')
  await cluster.start(GATEWAY, 'gateway')
  const clients = Worker.start<LoadDuties>(new URL('../client/load-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  await clients.ask('connect', { ...cluster.mtproto, people: accounts })
  const inFlight = run.sized({ quick: 4, normal: 16, full: 32 })

  const looks: Look[] = []
  const warmed = new Map<string, number>()
  let running = 1
  for (const count of steps(counts, run.sized({ quick: 1, normal: 2, full: 4 }))) {
    run.progress(`${count} ${count === 1 ? 'node' : 'nodes'}`)
    for (; running < count; running++) await cluster.start(names(running + 1).at(-1)!, 'actors')
    for (; running > count; running--) {
      await cluster.stop(names(running).at(-1)!)
      warmed.delete(names(running).at(-1)!)
    }
    await cluster.balancedOn(names(count))
    const cold = names(count).filter((name) => !warmed.has(name))
    if (cold.length > 0) await warmUp(clients, warmMessages * count, inFlight)
    for (const name of cold) warmed.set(name, count)
    const look = await looked(cluster, clients, count, sizes)
    run.progress(
      `${nodesText(count)}: ${shown(look.netUs)} us a message, idle ${shown(look.idleCores * 100)} % of a core`,
    )
    looks.push(look)
  }
  return outcomeOf(counts, looks, sizes, people)
}

function outcomeOf(counts: readonly number[], looks: readonly Look[], sizes: Sizes, people: number): Outcome {
  const of = (count: number, value: (look: Look) => number) => looks.filter(({ nodes }) => nodes === count).map(value)
  const middle = (count: number, value: (look: Look) => number) => median(of(count, value))
  const most = counts.at(-1)!
  const beside = (value: (look: Look) => number) =>
    counts.slice(1).map((count) => middle(count, value) / middle(1, value))
  const worst = (name: string, value: (look: Look) => number, must: Figure['must']): Figure => ({
    ...{ name, unit: 'x one node', value: Math.max(...beside(value)) },
    ...(must && { must }),
  })
  const net = (look: Look) => look.netUs
  const remote = extraOfRemote(looks)
  const perNode = (look: Look) => ((look.idleCores - look.idleGatewayCores) / look.nodes) * 100
  return {
    figures: [
      worst('CPU a message, most of all', net, { atMost: FLAT }),
      worst('the same with idle CPU in it', (look) => look.costUs, undefined),
      { name: 'extra CPU of a call to another node', unit: 'us', value: remote.usPerCall },
      figureOf(
        'on the way and back, event loops included',
        'ms',
        of(most, (look) => look.betweenMs),
      ),
      ...counts.map((count) => figureOf(`CPU a message, ${nodesText(count)}`, 'us', of(count, net))),
      figureOf('CPU of an idle node', '% of a core', looks.map(perNode)),
      figureOf(
        'CPU of the idle gateway',
        '% of a core',
        looks.map((look) => look.idleGatewayCores * 100),
      ),
    ],
    latencies: counts.map((count) => ({
      ...looks.findLast(({ nodes }) => nodes === count)!.result.answer,
      name: `answer, ${nodesText(count)}`,
    })),
    plots: [
      {
        kind: 'lines',
        title: `CPU a message, ${sizes.rate} messages a second in all`,
        x: { name: 'nodes' },
        y: { name: 'us' },
        lines: [
          { name: 'without idle CPU', points: counts.map((count) => [count, middle(count, net)]) },
          { name: 'with it', points: counts.map((count) => [count, middle(count, (look) => look.costUs)]) },
          {
            name: 'of it, the gateway',
            points: counts.map((count) => [count, middle(count, (look) => look.gatewayUs)]),
          },
          { name: '1.15 x one node', points: counts.map((count) => [count, middle(1, net) * FLAT]) },
        ],
      },
    ],
    tables: [
      {
        title: 'By the number of nodes',
        columns: [
          'nodes',
          'CPU a message, us',
          'beside one node',
          'with idle CPU, us',
          'idle CPU of all, % of a core',
          'of a node',
          'calls between processes a message',
          'of such a call: there, ms',
          'on the way, ms',
          'answer p50, ms',
          'p99, ms',
        ],
        rows: counts.map((count) => [
          count,
          middle(count, net),
          middle(count, net) / middle(1, net),
          middle(count, (look) => look.costUs),
          middle(count, (look) => look.idleCores * 100),
          middle(count, perNode),
          middle(count, (look) => look.remoteCalls),
          middle(count, (look) => look.thereMs),
          middle(count, (look) => look.betweenMs),
          middle(count, (look) => look.result.answer.p50Ms),
          middle(count, (look) => look.result.answer.p99Ms),
        ]),
      },
      {
        title: 'Each look, in order',
        columns: ['nodes', 'CPU a message, us', 'with idle CPU, us', 'of it, the gateway', 'idle, % of a core'],
        rows: looks.map((look) => [look.nodes, look.netUs, look.costUs, look.gatewayUs, look.idleCores * 100]),
      },
    ],
    notes: [
      `${people} accounts in ${people / 2} private chats through one gateway, ${sizes.rate} messages a second in all, open loop, whatever the number of nodes: far below what they can, so that this is the cost of a message and not what fits. From the sender's packet to the other's, journals in Cassandra.`,
      "CPU of all node and gateway processes from /proc; neither Cassandra's, nor that of other servers and the clients. Of a message: less what the same processes used just before, when nobody wrote; with it, it says how much an idle node costs at this rate.",
      `With one node a gateway's calls are remote already; chats call accounts on other nodes in (N-1)/N of all cases. Extra CPU of such a call: the slope of CPU over calls between processes, both a message (r2 ${shown(remote.r2)}).`,
      'All on one machine, whose cores are shared: the time on the way says how late event loops were, more than what the transport takes.',
    ],
  }
}

const nodesText = (count: number) => `${count} ${count === 1 ? 'node' : 'nodes'}`

/** The line that fits CPU over calls to other processes best. */
function extraOfRemote(looks: readonly Look[]): { readonly usPerCall: number; readonly r2: number } {
  const mean = (value: (look: Look) => number) => looks.reduce((sum, look) => sum + value(look), 0) / looks.length
  const [x, y] = [mean((look) => look.remoteCalls), mean((look) => look.netUs)]
  const covariance = mean((look) => (look.remoteCalls - x) * (look.netUs - y))
  const spread = mean((look) => (look.remoteCalls - x) ** 2)
  const spreadOfCost = mean((look) => (look.netUs - y) ** 2)
  return { usPerCall: covariance / spread, r2: covariance ** 2 / (spread * spreadOfCost) }
}

export const growth: Scenario = {
  name: 'growth',
  summary: 'CPU a message from one node to eight on one machine, and what a call costs more between nodes',
  needs: 'cassandra',
  run: runGrowth,
}
