import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, LoadDuties, LoadResult } from '../client/load-worker.js'
import { FloorMeter, type MessageFloor, type SentPerMessage, type StoredPerMessage } from '../measure/message-floor.js'
import { cpuBetween, cpuTimeOf, threadTimesOf } from '../measure/process-cpu.js'
import { figureOf, median } from '../measure/repetitions.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { seedAccounts } from '../target/seeded-accounts.js'
import { type BenchServer, startBenchServer } from '../target/server-process.js'
import { Worker } from '../target/worker-port.js'

const FLOOR_PARTS = ['decrypt', 'parse', 'storage', 'serialize', 'encrypt'] as const

interface LoadSample {
  readonly result: LoadResult
  readonly cpuUs: number
  readonly userUs: number
  readonly systemUs: number
  readonly eventLoopUs: number
  readonly perSecond: number
  /** Of the time, how much of it the event loop waited for a core. */
  readonly waited: number
  readonly stored: StoredPerMessage
  readonly sent: SentPerMessage
}

async function measured(server: BenchServer, clients: Worker<LoadDuties>, load: Load): Promise<LoadSample> {
  // Telling its metrics is no message's cost.
  const counters = await server.metrics()
  const cpu = cpuTimeOf(server.pid)
  const result = await clients.ask('load', load)
  const used = cpuBetween(cpu, cpuTimeOf(server.pid))
  const after = await server.metrics()
  const { answered, pushed, errors, seconds } = result
  if (pushed !== answered) throw new Error(`${answered} messages were answered, ${pushed} arrived`)
  if (Object.keys(errors).length > 0) throw new Error(`errors: ${JSON.stringify(errors)}`)
  const grown = (name: string) => (after.get(name) ?? 0) - (counters.get(name) ?? 0)
  return {
    result,
    cpuUs: (used.seconds / answered) * 1e6,
    userUs: (used.userSeconds / answered) * 1e6,
    systemUs: (used.systemSeconds / answered) * 1e6,
    eventLoopUs: (used.mainSeconds / answered) * 1e6,
    perSecond: answered / seconds,
    waited: used.waitedSeconds / seconds,
    stored: {
      operations: grown('heliograph_storage_operations_total') / answered,
      bytes: grown('heliograph_storage_bytes_total') / answered,
      messagesPerFlush: answered / grown('heliograph_storage_flushes_total'),
    },
    sent: {
      packets: grown('heliograph_mtproto_events_total{event="packets_out"}') / answered,
      bytes: grown('heliograph_mtproto_events_total{event="bytes_out"}') / answered,
    },
  }
}

/** V8 goes on compiling for some tens of thousands of messages, on threads of the server's process. */
const WARM_AFTER_MESSAGES = 60_000

async function warmUp(clients: Worker<LoadDuties>, load: Load, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; ) sent += (await clients.ask('load', load)).answered
}

const sumOf = (floor: MessageFloor) => FLOOR_PARTS.reduce((sum, part) => sum + floor[part], 0)

/** A CPU profile of the server under load, beside the results, for whoever asks with BENCH_PROFILE=<file>. */
async function profiled(server: BenchServer, clients: Worker<LoadDuties>, load: Load): Promise<void> {
  const path = process.env.BENCH_PROFILE
  if (path === undefined) return
  await server.probe.ask('startProfile')
  await clients.ask('load', load)
  writeFileSync(path, await server.probe.ask('stopProfile'))
}

async function runPrivateMessage(run: Run): Promise<Outcome> {
  const dataDir = join(run.scratch, 'data')
  mkdirSync(dataDir)
  const people = run.sized({ quick: 4, normal: 200 })
  run.progress(`${people} accounts are made`)
  const accounts = await seedAccounts(dataDir, people)
  const server = await startBenchServer(run, { dataDir })
  const clients = Worker.start<LoadDuties>(new URL('../client/load-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  await clients.ask('connect', { ...server.mtproto, people: accounts })
  const wire = await clients.ask('sample')

  const seconds = run.sized({ quick: 0.5, normal: 5 })
  const full: Load = { mode: 'closed', inFlight: run.sized({ quick: 4, normal: 400 }), seconds }
  run.progress('warming up')
  await warmUp(clients, full, run.sized({ quick: 1, normal: WARM_AFTER_MESSAGES }))
  await profiled(server, clients, full)

  const repetitions = run.sized({ quick: 1, normal: 5 })
  const loads: LoadSample[] = []
  const floors: MessageFloor[] = []
  const meterRounds = run.sized({ quick: 200, normal: 10_000 })
  for (let i = 1; i <= repetitions; i++) {
    run.progress(`full load, repetition ${i} of ${repetitions}`)
    const sample = await measured(server, clients, full)
    loads.push(sample)
    run.progress(`floor, repetition ${i} of ${repetitions}`)
    const wireSample = { request: asBuffer(wire.request), answer: asBuffer(wire.answer), push: asBuffer(wire.push) }
    const meter = new FloorMeter(join(run.scratch, `floor-${i}.mdb`), wireSample, sample, meterRounds)
    floors.push(await meter.measure())
    await meter.close()
  }

  const rate = median(loads.map(({ perSecond }) => perSecond)) / 2
  run.progress(`half load, ${Math.round(rate)} messages a second`)
  const threads = threadTimesOf(server.pid)
  const half = await measured(server, clients, {
    mode: 'open',
    rate,
    seconds: seconds * run.sized({ quick: 1, normal: 3 }),
  })
  const threadsAfter = threadTimesOf(server.pid)

  const floorSums = floors.map(sumOf)
  const cpu = loads.map(({ cpuUs }) => cpuUs)
  const part = (name: keyof MessageFloor) => median(floors.map((floor) => floor[name]))
  const { stored, sent } = loads.at(-1)!
  return {
    figures: [
      figureOf(
        'CPU a message, of the floor',
        'x',
        cpu.map((each, i) => each / floorSums[i]!),
        { must: { atMost: 2.5 } },
      ),
      figureOf(
        'messages a second of server CPU',
        '/s',
        cpu.map((each) => 1e6 / each),
        { aim: { atLeast: 14_000 } },
      ),
      { name: 'p99 of the answer at half load', value: half.result.answer.p99Ms, unit: 'ms', aim: { atMost: 20 } },
      { name: 'p99 of the push at half load', value: half.result.push.p99Ms, unit: 'ms', aim: { atMost: 20 } },
      figureOf('server CPU a message, full load', 'us', cpu),
      figureOf('floor', 'us', floorSums),
      { name: 'server CPU a message, half load', value: half.cpuUs, unit: 'us' },
      figureOf(
        'messages a second, full load',
        '/s',
        loads.map(({ perSecond }) => perSecond),
      ),
      { name: 'messages a flush, full load', value: stored.messagesPerFlush, unit: '' },
    ],
    latencies: [
      { ...half.result.answer, name: `answer, ${Math.round(rate)}/s` },
      { ...half.result.push, name: `push to the other, ${Math.round(rate)}/s` },
    ],
    plots: [
      {
        kind: 'bars',
        title: 'CPU a message',
        unit: 'us',
        bars: [
          {
            name: 'server, full load',
            parts: [
              { name: 'user', value: median(loads.map(({ userUs }) => userUs)) },
              { name: 'system', value: median(loads.map(({ systemUs }) => systemUs)) },
            ],
          },
          {
            name: 'server, half load',
            parts: [
              { name: 'user', value: half.userUs },
              { name: 'system', value: half.systemUs },
            ],
          },
          { name: 'floor', parts: FLOOR_PARTS.map((name) => ({ name, value: part(name) })) },
        ],
        marks: [{ name: '2.5 x floor', value: median(floorSums) * 2.5 }],
      },
    ],
    tables: [
      {
        title: 'Where the CPU goes, us a message',
        columns: ['', 'us'],
        rows: [
          ['server, event loop, full load', median(loads.map(({ eventLoopUs }) => eventLoopUs))],
          ['server, other threads, full load', median(loads.map(({ cpuUs, eventLoopUs }) => cpuUs - eventLoopUs))],
          ...FLOOR_PARTS.map((name) => [`floor: ${name}`, part(name)] as const),
          ...[...threadsAfter].map(
            ([name, after]) =>
              [`half load, thread ${name}`, ((after - (threads.get(name) ?? 0)) / half.result.answered) * 1e6] as const,
          ),
        ],
      },
      {
        title: 'The event loop waited for a core, % of the time',
        columns: ['', '%'],
        rows: [
          ['full load', 100 * median(loads.map(({ waited }) => waited))],
          ['half load', 100 * half.waited],
        ],
      },
      {
        title: 'A message',
        columns: ['', ''],
        rows: [
          ['request, bytes', wire.request.length],
          ['answer, bytes', wire.answer.length],
          ['push, bytes', wire.push.length],
          ['packets to clients', sent.packets],
          ['their bytes', sent.bytes],
          ['values stored', stored.operations],
          ['their bytes, keys included', stored.bytes],
        ],
      },
    ],
    notes: [
      `${people} accounts in ${people / 2} private chats, one TCP connection each, raw MTProto clients in another process. A message: sendMessage in, journal entries of the chat and of both boxes flushed, answer to the sender, push to the other; acknowledgements in both directions.`,
      'Full load: closed loop. Half load: open loop, messages leave when they are due; latency counts from then.',
      "Server CPU is that of its whole process from /proc, system calls, garbage collection and LMDB's writer included; the floor has no sockets.",
      'Where the event loop waited for a core for more than some percent of the time, the machine did other things too: latencies then say how busy it was.',
    ],
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

export const privateMessage: Scenario = {
  name: 'private-message',
  summary: 'server CPU and latency of a durable private message over MTProto, beside its floor',
  run: runPrivateMessage,
}
