import { alternate, figureOf, median, ratios, type Side } from '../measure/repetitions.js'
import { type EchoClient, openEcho } from '../measure/stream-echo.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import type { RemoteNodeDuties } from '../target/remote-node-worker.js'
import { Tally } from '../target/tally.js'
import { twoNodes } from '../target/two-nodes.js'
import { Worker } from '../target/worker-port.js'

const ACTORS = 100
/** About the size of a call's arguments. */
const ECHO_BYTES = 16

interface Costs {
  /** CPU microseconds that both processes have used so far. */
  cpuUs(): Promise<number>
  /** Microseconds a call, by side. */
  readonly perCall: Map<string, number[]>
}

/** Calls a second, with `inFlight` under way: each that ends makes room for the next. */
function rate(
  costs: Costs,
  name: string,
  call: (at: number) => Promise<unknown>,
  calls: number,
  inFlight: number,
): Side {
  costs.perCall.set(name, [])
  return {
    name,
    async once() {
      const cpuBefore = await costs.cpuUs()
      const started = performance.now()
      let next = 0
      const caller = async () => {
        while (next < calls) await call(next++)
      }
      await Promise.all(Array.from({ length: inFlight }, caller))
      const seconds = (performance.now() - started) / 1000
      costs.perCall.get(name)!.push(((await costs.cpuUs()) - cpuBefore) / calls)
      return calls / seconds
    },
  }
}

async function runRemoteCall(run: Run): Promise<Outcome> {
  const other = Worker.start<RemoteNodeDuties>(new URL('../target/remote-node-worker.js', import.meta.url))
  run.onEnd(() => other.end())
  const { nodePort, echoPort } = await other.ask('start')
  const { system, transport } = twoNodes('caller', `127.0.0.1:${nodePort}`)
  run.onEnd(() => transport.close())
  const echo: EchoClient = openEcho(echoPort)
  run.onEnd(() => echo.close())

  const refs = Array.from({ length: ACTORS }, (_, id) => system.ref(Tally, id))
  const payload = new Uint8Array(ECHO_BYTES)
  const call = (at: number) => refs[at % ACTORS]!.add(1)
  const floor = () => echo.echo(payload)
  const calls = run.sized({ quick: 5_000, normal: 400_000 })
  const ownCpuUs = () => {
    const { user, system: kernel } = process.cpuUsage()
    return user + kernel
  }
  const costs: Costs = { perCall: new Map(), cpuUs: async () => ownCpuUs() + (await other.ask('cpuUs')) }
  const samples = await alternate(
    run,
    [
      rate(costs, 'remote call', call, calls, 2_000),
      rate(costs, 'floor', floor, calls, 2_000),
      rate(costs, 'remote call, one caller', call, calls / 100, 1),
      rate(costs, 'floor, one caller', floor, calls / 100, 1),
    ],
    run.sized({ quick: 1, normal: 7 }),
  )
  return {
    figures: [
      figureOf('remote call, of the floor', '%', percentOf(samples, 'remote call', 'floor'), {
        must: { atLeast: 60 },
        aim: { atLeast: 80 },
      }),
      figureOf('CPU of the floor, of a remote call', '%', percentOf(costs.perCall, 'floor', 'remote call')),
      figureOf('one caller, of the floor', '%', percentOf(samples, 'remote call, one caller', 'floor, one caller')),
      ...[...samples].map(([name, each]) => figureOf(name, 'calls/s', each)),
      ...[...costs.perCall].map(([name, each]) => figureOf(`CPU, ${name}`, 'us', each)),
    ],
    plots: [
      {
        kind: 'bars',
        title: 'Calls a second',
        unit: 'calls/s',
        bars: [...samples].map(([name, each]) => ({ name, parts: [{ name: 'calls/s', value: median(each) }] })),
      },
    ],
    notes: [
      `2,000 calls in flight over ${ACTORS} actors of another process; "one caller" awaits each call before the next.`,
      `The floor sends a number and ${ECHO_BYTES} bytes, batched by tick on one bare gRPC stream, and gets each back.`,
      'Both processes share the machine. The share of the floor is by wall time, which other work on the machine disturbs more than the CPU that both processes used.',
    ],
  }
}

function percentOf(samples: ReadonlyMap<string, readonly number[]>, above: string, below: string): number[] {
  return ratios(samples.get(above)!, samples.get(below)!).map((ratio) => ratio * 100)
}

export const remoteCall: Scenario = {
  name: 'remote-call',
  summary: 'calls a second to actors of another process, beside a bare batched gRPC stream echo',
  run: runRemoteCall,
}
