import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CarrierKind } from '../client/carrier.js'
import type { ListeningDuties } from '../client/listening-worker.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { type SeededAccount, seedAccounts } from '../target/seeded-accounts.js'
import { type BenchServer, startBenchServer } from '../target/server-process.js'
import { Worker } from '../target/worker-port.js'

const CARRIERS: readonly CarrierKind[] = ['tcp', 'obfuscated', 'websocket']

interface Weight {
  /** JavaScript objects in use. */
  readonly heapBytes: number
  /** Sockets, ciphers, buffers. */
  readonly nativeBytes: number
  readonly rssBytes: number
}

/** Resident bytes of the process's heap segment, where the C allocator puts all that is small. */
function nativeBytes(pid: number): number {
  let isHeap = false
  let bytes = 0
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isHeap = line.endsWith('[heap]')
    else if (isHeap && line.startsWith('Rss:')) bytes += Number(line.split(/\s+/)[1]) * 1024
  }
  return bytes
}

/** By then acknowledgements have left, and idle actors have let go of what they can and stored what is due. */
function settled(run: Run): Promise<void> {
  const ms = run.sized({ quick: 500, normal: 9_000 })
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function weigh(run: Run, server: BenchServer): Promise<Weight> {
  await settled(run)
  const { heapBytes, rssBytes } = await server.probe.ask('memory')
  return { heapBytes, rssBytes, nativeBytes: nativeBytes(server.pid) }
}

async function weightOf(
  run: Run,
  server: BenchServer,
  clients: Worker<ListeningDuties>,
  carrier: CarrierKind,
  accounts: readonly SeededAccount[],
): Promise<Weight> {
  const before = await weigh(run, server)
  run.progress(`${accounts.length} connections, ${carrier}`)
  const { host, port } = carrier === 'websocket' ? server.http : server.mtproto
  await clients.ask('listen', { to: { host, port, carrier }, keys: accounts.map(({ key }) => key) })
  const after = await weigh(run, server)
  const each = (of: keyof Weight) => (after[of] - before[of]) / accounts.length
  return { heapBytes: each('heapBytes'), nativeBytes: each('nativeBytes'), rssBytes: each('rssBytes') }
}

async function runConnectionMemory(run: Run): Promise<Outcome> {
  const dataDir = join(run.scratch, 'data')
  mkdirSync(dataDir)
  const count = run.sized({ quick: 40, normal: 2_000, full: 5_000 })
  const warmUp = run.sized({ quick: 10, normal: 200 })
  run.progress('accounts are made')
  const accounts = await seedAccounts(dataDir, CARRIERS.length * (count + warmUp))
  const server = await startBenchServer(run, { dataDir })
  const clients = Worker.start<ListeningDuties>(new URL('../client/listening-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  const unused = [...accounts]
  const next = (many: number) => unused.splice(0, many)
  for (const carrier of CARRIERS) await weightOf(run, server, clients, carrier, next(warmUp))
  const weights = new Map<CarrierKind, Weight>()
  for (const carrier of CARRIERS) weights.set(carrier, await weightOf(run, server, clients, carrier, next(count)))
  const { open } = await clients.ask('heard')
  if (open !== accounts.length) throw new Error(`${accounts.length - open} connections were closed`)
  const kib = (bytes: number) => bytes / 1024
  const sum = ({ heapBytes, nativeBytes: native }: Weight) => kib(heapBytes + native)
  const targets = { must: { atMost: 12 }, aim: { atMost: 7 } }
  return {
    figures: [
      ...CARRIERS.map((carrier) => ({ name: carrier, value: sum(weights.get(carrier)!), unit: 'KiB', ...targets })),
      ...CARRIERS.map((carrier) => ({
        name: `${carrier}, growth of RSS`,
        value: kib(weights.get(carrier)!.rssBytes),
        unit: 'KiB',
      })),
    ],
    plots: [
      {
        kind: 'bars',
        title: 'Memory a connection',
        unit: 'KiB',
        bars: CARRIERS.map((carrier) => ({
          name: carrier,
          parts: [
            { name: 'objects', value: kib(weights.get(carrier)!.heapBytes) },
            { name: 'native', value: kib(weights.get(carrier)!.nativeBytes) },
          ],
        })),
        marks: [{ name: 'must', value: 12 }],
      },
    ],
    notes: [
      `${count} connections a carrier, each of an account of its own: connection, transport, auth key, session, attachment, and the account's actor, which stays in memory while a device is connected.`,
      'Objects: V8 heap in use after collections. Native: resident bytes of the C heap, where sockets, ciphers and buffers lie. RSS grows in steps of the garbage collector and is only shown.',
      'What the kernel holds for a socket is not counted.',
    ],
  }
}

export const connectionMemory: Scenario = {
  name: 'connection-memory',
  summary: 'memory of an idle, signed-in connection in user space, over TCP, obfuscated TCP and WebSocket',
  run: runConnectionMemory,
}
