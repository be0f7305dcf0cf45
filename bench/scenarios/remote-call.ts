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

/** Calls a second, with `inFlight` under way: each that ends makes room for the next. */
function rate(name: string, call: (at: number) => Promise<unknown>, calls: number, inFlight: number): Side {
  return {
    name,
    async once() {
      const started = performance.now()
      let next = 0
      const caller = async () => {
        while (next < calls) await call(next++)
      }
      await Promise.all(Array.from({ length: inFlight }, caller))
      return calls / ((performance.now() - started) / 1000)
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
  const samples = await alternate(
    run,
    [
      rate('remote call', call, calls, 2_000),
      rate('floor', floor, calls, 2_000),
      rate('remote call, one caller', call, calls / 100, 1),
      rate('floor, one caller', floor, calls / 100, 1),
    ],
    run.sized({ quick: 1, normal: 7 }),
  )
  const of = (name: string) => samples.get(name)!
  const percent = (ours: string, theirs: string) => ratios(of(ours), of(theirs)).map((ratio) => ratio * 100)
  return {
    figures: [
      figureOf('remote call, of the floor', '%', percent('remote call', 'floor'), {
        must: { atLeast: 60 },
        aim: { atLeast: 80 },
      }),
      figureOf('one caller, of the floor', '%', percent('remote call, one caller', 'floor, one caller')),
      ...[...samples].map(([name, each]) => figureOf(name, 'calls/s', each)),
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
      'Both processes share the machine; wall time decides.',
    ],
  }
}

export const remoteCall: Scenario = {
  name: 'remote-call',
  summary: 'calls a second to actors of another process, beside a bare batched gRPC stream echo',
  run: runRemoteCall,
}
