import { createConnection, type Socket } from 'node:net'
import { TlReader } from '../../gateway/mtproto/testing/index.js'
import { Latencies, type LatencySummary } from '../measure/latency.js'
import { inBatches } from '../target/batches.js'
import { serve } from '../target/worker-port.js'
import { type Address, RawConnection } from './raw-connection.js'
import { RawSession } from './raw-session.js'
import { firstRequest, request } from './requests.js'

const CONNECT_AT_ONCE = 50
const RETRY_AFTER_MS = 200

/** Someone who signs in and listens. */
interface Listener {
  readonly session: RawSession
  connection: RawConnection
  pts: number
  date: number
}

export interface Return {
  /** From the cut to the last client's answer. */
  readonly allServedMs: number
  readonly served: LatencySummary
  /** Attempts that failed, by what was said. */
  readonly errors: Readonly<Record<string, number>>
}

const listeners: Listener[] = []
const sockets: Socket[] = []
let updates = 0
let bytes = 0

const hearing = {
  onUpdate: () => {
    updates++
  },
}

async function signedIn(to: Address, session: RawSession): Promise<Listener> {
  const connection = await RawConnection.open(to, session, hearing)
  const state = new TlReader(await connection.call(firstRequest({ _: 'updates.getState' }))).object()
  const { pts, date } = state as unknown as { pts: number; date: number }
  return { session, connection, pts, date }
}

/** Until the client knows what it missed; tries again as a client library does. */
async function comeBack(listener: Listener, to: Address, failed: (message: string) => void): Promise<void> {
  for (;;) {
    try {
      listener.connection = await RawConnection.open(to, listener.session, hearing)
      const { pts, date } = listener
      await listener.connection.call(request({ _: 'updates.getDifference', pts, date, qts: 0 }))
      return
    } catch (error) {
      failed((error as Error).message)
      listener.connection.close()
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
    }
  }
}

const duties = {
  /** Sessions that entitle themselves to updates. */
  async listen({ to, keys }: { to: Address; keys: readonly Uint8Array[] }) {
    await inBatches(keys, CONNECT_AT_ONCE, async (key) => {
      listeners.push(await signedIn(to, new RawSession({ key: Buffer.from(key) })))
    })
  },

  /** Closes every connection. */
  async cut() {
    for (const { connection } of listeners) connection.close()
    while (listeners.some(({ connection }) => !connection.isClosed)) await new Promise((go) => setTimeout(go, 5))
  },

  /** All at once, each with its old session. */
  async comeBack({ to }: { to: Address }): Promise<Return> {
    const served = new Latencies()
    const errors: Record<string, number> = {}
    const started = performance.now()
    await Promise.all(
      listeners.map(async (listener) => {
        await comeBack(listener, to, (message) => {
          errors[message] = (errors[message] ?? 0) + 1
        })
        served.record(performance.now() - started)
      }),
    )
    return { allServedMs: performance.now() - started, served: served.summary('served again'), errors }
  },

  /** Bare sockets that only read. */
  async sink({ to: { host, port }, count }: { to: Address; count: number }) {
    for (let i = 0; i < count; i++) {
      const socket = createConnection({ host, port })
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
      sockets.push(socket)
    }
  },

  heard: () => ({ updates, bytes, open: listeners.filter(({ connection }) => !connection.isClosed).length }),
}

export type ListeningDuties = typeof duties

serve(duties)
