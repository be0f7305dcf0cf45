import { systemClock } from '../../../runtime/index.js'
import { noLog } from '../../../runtime/testing/index.js'
import { NodeTransport } from '../../transport/node-transport.js'
import { defaultDetectionLimits } from '../detection-limits.js'
import { directProbes } from '../direct-probes.js'
import { FailureDetector } from '../failure-detector.js'
import { Heartbeats } from '../heartbeats.js'
import { openNatsBus } from '../nats-bus.js'

/**
 * A member for tests to kill, whose leases nobody can read. It is told on its channel who the members are once all listen;
 * it says where it listens, whom it suspects, and, when it is asked, whom it holds to be alive.
 */
export interface DetectingTask {
  readonly cluster: string
  readonly node: string
  readonly incarnation: string
  readonly nats: string
}
export type ToDetecting = { readonly addresses: Readonly<Record<string, string>> } | 'who is alive?'
export type FromDetecting =
  | { readonly port: number }
  | { readonly suspected: string; readonly atMs: number }
  | { readonly alive: readonly string[] }

const load = { cores: 1, weight: 1, cpu: 0, loopLagMs: 0, callsPerSecond: 0, residents: 0, connections: 0 }
const say = (message: FromDetecting) => process.send?.(message)

async function run({ cluster, node, incarnation, nats }: DetectingTask): Promise<void> {
  const self = { node, incarnation }
  const clock = systemClock
  const limits = defaultDetectionLimits
  let addresses: Readonly<Record<string, string>> = {}
  const peers = {
    addressOf: (of: string) => addresses[of],
    others: () => Object.keys(addresses).filter((each) => each !== node),
    view: () => 1,
    saw: () => undefined,
    refresh: async () => undefined,
  }
  const transport = new NodeTransport({
    cluster,
    ...self,
    self: node,
    peers,
    clock,
    log: noLog,
    atTickEnd: setImmediate,
  })
  const bus = openNatsBus({ servers: [nats], name: node, clock, log: noLog })
  const everyMs = limits.heartbeatEveryMs
  const said = { view: () => 1, load: () => load, isHalted: () => false }
  const heartbeats = new Heartbeats({ cluster, self, bus, clock, everyMs, ...said })
  const probes = directProbes(transport, self, said.isHalted)
  const detector = new FailureDetector({
    self,
    clock,
    limits,
    heartbeats,
    ...probes,
    readLease: () => Promise.reject(new Error('there is no store')),
    heldForMs: () => undefined,
    suspect: (member) => say({ suspected: member.node, atMs: Date.now() }),
  })
  probes.serve((member) => detector.witness(member))
  heartbeats.start()
  process.on('message', (message: ToDetecting) => {
    if (message === 'who is alive?') {
      say({ alive: Object.keys(addresses).filter((each) => detector.isAlive(each)) })
      return
    }
    addresses = message.addresses
    const rest = { address: '', roles: ['actors'], weight: 1, isDraining: false } as const
    detector.watch(Object.keys(addresses).map((each) => ({ node: each, incarnation: `${each}-1`, ...rest })))
  })
  process.on('disconnect', () => process.exit())
  say({ port: await transport.listen('127.0.0.1', 0) })
}

await run(JSON.parse(process.argv[2] ?? '') as DetectingTask)
