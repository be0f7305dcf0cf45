import { createServer, type Socket } from 'node:net'
import {
  createMtprotoGateway,
  generateServerKey,
  type Long,
  MemoryKeyStore,
  PacketSealer,
  packetBytesFor,
  readLong,
  type Session,
  writeObject,
} from '../../gateway/mtproto/testing/index.js'
import { systemClock, systemRandom } from '../../runtime/index.js'
import type { ListeningDuties } from '../client/listening-worker.js'
import { LAYER } from '../client/raw-connection.js'
import { keyIdOf, newKey } from '../client/raw-session.js'
import { alternate, figureOf, median, ratios, type Side } from '../measure/repetitions.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { Worker } from '../target/worker-port.js'

const HOST = '127.0.0.1'
const FRAME_HEAD_BYTES = 4

/** A channel post, as its subscribers are pushed it: nothing in it depends on the account. */
function sampleUpdate(n: number) {
  return {
    _: 'updates' as const,
    updates: [
      {
        _: 'updateNewChannelMessage' as const,
        message: {
          _: 'message' as const,
          post: true,
          id: n,
          peerId: { _: 'peerChannel' as const, channelId: 1_234_567 },
          date: 1_790_000_000,
          message:
            'The exhibition opens on Friday at ten. Entrance is free for everyone until noon; bring a friend along.',
        },
        pts: n,
        ptsCount: 1,
      },
    ],
    users: [],
    chats: [],
    date: 1_790_000_000,
    seq: 0,
  }
}

const turnOfEventLoop = () => new Promise((resolve) => setImmediate(resolve))

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** A gateway with sessions that hear, over real sockets to another process. */
async function gatewaySide(run: Run, clients: Worker<ListeningDuties>, count: number) {
  const store = new MemoryKeyStore()
  const keys = Array.from({ length: count }, newKey)
  for (const [index, key] of keys.entries()) {
    store.records.set(keyIdOf(key), { id: keyIdOf(key), key, layer: LAYER, userId: index + 1 })
  }
  const sessions: Session[] = []
  let acknowledged = 0
  const gateway = createMtprotoGateway({
    clock: systemClock,
    random: systemRandom,
    serverKey: generateServerKey(),
    authKeyStore: store,
    rpc: () => ({ _: 'updates.state', pts: 1, qts: 0, date: 1_790_000_000, seq: 0, unreadCount: 0 }),
    hooks: {
      onSessionReady: (session) => void sessions.push(session),
      onUpdateAcked: () => {
        acknowledged++
      },
    },
  })
  run.onEnd(() => gateway.close())
  const { port } = await gateway.listenTcp({ host: HOST, port: 0 })
  await clients.ask('listen', { to: { host: HOST, port }, keys })
  if (sessions.length !== count) throw new Error(`${sessions.length} of ${count} sessions are ready`)
  let sent = 0
  return {
    push(body: Buffer, n: number) {
      gateway.pushToMany(sessions, body, n)
      sent += count
    },
    async untilAcknowledged() {
      while (acknowledged < sent) await new Promise((resolve) => setTimeout(resolve, 20))
    },
  }
}

/** What no gateway can do without: the update sealed for each key, and written to each socket. */
async function floorSide(run: Run, clients: Worker<ListeningDuties>, count: number) {
  const sockets: Socket[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
  })
  run.onEnd(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  await clients.ask('sink', { to: { host: HOST, port: address.port }, count })
  while (sockets.length < count) await turnOfEventLoop()
  const sealer = new PacketSealer(systemRandom)
  const salt = readLong(systemRandom.bytes(8), 0)
  const receivers = sockets.map((socket) => {
    const key = newKey()
    return { socket, key: { id: keyIdOf(key), key }, session: readLong(systemRandom.bytes(8), 0) as Long }
  })
  return {
    push(body: Buffer, n: number) {
      const packetBytes = packetBytesFor(body.length)
      for (const { socket, key, session } of receivers) {
        const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + packetBytes)
        frame.writeUInt32LE(packetBytes, 0)
        body.copy(sealer.body(body.length))
        sealer.seal(key, salt, session, 1_790_000_000, n * 4 + 3, n * 2 + 1, body.length, frame, FRAME_HEAD_BYTES)
        socket.write(frame)
      }
    },
    async untilAcknowledged() {},
  }
}

async function runPushFanout(run: Run): Promise<Outcome> {
  const count = run.sized({ quick: 20, normal: 500 })
  const updates = run.sized({ quick: 3, normal: 20 })
  const clients = Worker.start<ListeningDuties>(new URL('../client/listening-worker.js', import.meta.url))
  run.onEnd(() => clients.end())
  run.progress(`${count} sessions and ${count} bare sockets connect`)
  const gateway = await gatewaySide(run, clients, count)
  const floor = await floorSide(run, clients, count)

  let n = 0
  /** Deliveries a second of this process's CPU; the clients have a process of their own. */
  const rate = (name: string, side: typeof gateway): Side => ({
    name,
    async once() {
      const before = cpuSeconds()
      for (let i = 0; i < updates; i++) {
        const body = writeObject(LAYER, sampleUpdate(++n))
        side.push(body, n)
        await turnOfEventLoop()
        await turnOfEventLoop()
      }
      const deliveries = (updates * count) / (cpuSeconds() - before)
      await side.untilAcknowledged()
      return deliveries
    },
  })
  const samples = await alternate(
    run,
    [rate('gateway', gateway), rate('floor', floor)],
    run.sized({ quick: 1, normal: 9 }),
  )
  const { updates: heard } = await clients.ask('heard')
  if (heard !== updates * count * (run.sized({ quick: 1, normal: 9 }) + 1))
    throw new Error(`${heard} updates were heard`)
  const [ours, least] = [samples.get('gateway')!, samples.get('floor')!]
  const bodyBytes = writeObject(LAYER, sampleUpdate(1)).length
  return {
    figures: [
      figureOf(
        'gateway, of the floor',
        '%',
        ratios(ours, least).map((ratio) => ratio * 100),
        { must: { atLeast: 80 } },
      ),
      figureOf('deliveries a second of CPU', '/s', ours, { aim: { atLeast: 100_000 } }),
      figureOf('floor', '/s', least),
    ],
    plots: [
      {
        kind: 'bars',
        title: 'Deliveries a second of CPU',
        unit: '/s',
        bars: [
          { name: 'gateway', parts: [{ name: 'deliveries', value: median(ours) }] },
          { name: 'floor', parts: [{ name: 'deliveries', value: median(least) }] },
        ],
      },
    ],
    notes: [
      `One update of ${bodyBytes} bytes at a time to ${count} sessions over TCP (intermediate transport, not obfuscated), each with its own auth key; the clients, in another process, decrypt and acknowledge.`,
      'The floor writes the update once, and for each receiver seals it with the same code and hands it to a bare socket. System calls are in both.',
      'The acknowledgements come between the repetitions and are not counted.',
    ],
  }
}

export const pushFanout: Scenario = {
  name: 'push-fanout',
  summary: 'one update to many sessions of a gateway, beside its floor: serialize once, encrypt and send each',
  run: runPushFanout,
}
