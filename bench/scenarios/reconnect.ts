import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ListeningDuties, Return } from '../client/listening-worker.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { seedAccounts } from '../target/seeded-accounts.js'
import { type BenchServer, startBenchServer } from '../target/server-process.js'
import { Worker } from '../target/worker-port.js'

const READS = 'heliograph_storage_reads_total'

interface Wave extends Return {
  readonly readsPerClient: number
  readonly delayP99Ms: number
  readonly delayMaxMs: number
}

async function wave(server: BenchServer, clients: Worker<ListeningDuties>, count: number): Promise<Wave> {
  const before = (await server.metrics()).get(READS) ?? 0
  await server.probe.ask('watchDelay')
  const back = await clients.ask('comeBack', { to: server.mtproto })
  const { p99Ms, maxMs } = await server.probe.ask('delay')
  const after = (await server.metrics()).get(READS) ?? 0
  return { ...back, readsPerClient: (after - before) / count, delayP99Ms: p99Ms, delayMaxMs: maxMs }
}

async function runReconnect(run: Run): Promise<Outcome> {
  const dataDir = join(run.scratch, 'data')
  mkdirSync(dataDir)
  const count = run.sized({ quick: 40, normal: 2_000, full: 5_000 })
  run.progress(`${count} accounts are made`)
  const accounts = await seedAccounts(dataDir, count)
  let server = await startBenchServer(run, { dataDir })
  const clients = Worker.start<ListeningDuties>(new URL('../client/listening-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  run.progress('clients connect')
  await clients.ask('listen', { to: server.mtproto, keys: accounts.map(({ key }) => key) })

  const warm: Wave[] = []
  for (let i = 1; i <= run.sized({ quick: 1, normal: 3 }); i++) {
    run.progress(`all connections break, ${i}`)
    await clients.ask('cut')
    warm.push(await wave(server, clients, count))
  }
  run.progress('the server is killed and starts again')
  const ports = { mtproto: server.mtproto.port, http: server.http.port }
  await server.probe.end('SIGKILL')
  await clients.ask('cut')
  server = await startBenchServer(run, { dataDir, ports })
  const cold = await wave(server, clients, count)

  const last = warm.at(-1)!
  const errors = Object.entries({ ...cold.errors, ...last.errors })
  const failed = (each: Wave) => Object.values(each.errors).reduce((sum, many) => sum + many, 0)
  return {
    figures: [
      { name: 'break: all served again', value: last.allServedMs, unit: 'ms' },
      { name: 'break: storage reads a client', value: last.readsPerClient, unit: '', must: { atMost: 0.1 } },
      { name: 'break: failed attempts', value: failed(last), unit: '' },
      { name: 'break: event loop delay, p99', value: last.delayP99Ms, unit: 'ms' },
      {
        name: 'crash: all served again',
        value: cold.allServedMs,
        unit: 'ms',
        must: { atMost: 5_000 },
        aim: { atMost: 3_000 },
      },
      { name: 'crash: storage reads a client', value: cold.readsPerClient, unit: '' },
      { name: 'crash: failed attempts', value: failed(cold), unit: '' },
      { name: 'crash: event loop delay, p99', value: cold.delayP99Ms, unit: 'ms' },
      { name: 'crash: event loop delay, longest', value: cold.delayMaxMs, unit: 'ms' },
    ],
    latencies: [
      { ...last.served, name: 'connections broke' },
      { ...cold.served, name: 'server crashed' },
    ],
    tables: errors.length === 0 ? [] : [{ title: 'What failed attempts were told', columns: ['', ''], rows: errors }],
    notes: [
      `${count} clients with their old auth keys and sessions connect at the same moment and ask for the difference; one that fails tries again after 200 ms.`,
      'Break: all connections are cut, the server lives on; reads that have nothing to do with clients (sweeps, checkpoints) are counted, too. Crash: kill -9, and the clients come when it listens again; every auth key and account is read from disk.',
      'All clients are one process on the same machine, so a good part of the time is theirs.',
    ],
  }
}

export const reconnect: Scenario = {
  name: 'reconnect',
  summary: '2,000 clients that come back at once, after a break of the network and after a crash',
  run: runReconnect,
}
