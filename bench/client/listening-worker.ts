import { createConnection, type Socket } from 'node:net'
import { serve } from '../target/worker-port.js'
import { RawConnection } from './raw-connection.js'
import { firstRequest } from './requests.js'

/** Clients that sign in and listen, and bare sockets that only read. */
const connections: RawConnection[] = []
const sockets: Socket[] = []
let updates = 0
let bytes = 0

const duties = {
  /** Sessions that entitle themselves to updates. */
  async listen({ host, port, keys }: { host: string; port: number; keys: readonly Uint8Array[] }) {
    const hearing = {
      onUpdate: () => {
        updates++
      },
    }
    for (const key of keys) {
      const connection = await RawConnection.open(host, port, { key: Buffer.from(key) }, hearing)
      connections.push(connection)
      await connection.call(firstRequest({ _: 'updates.getState' }))
    }
  },
  async sink({ host, port, count }: { host: string; port: number; count: number }) {
    for (let i = 0; i < count; i++) {
      const socket = createConnection({ host, port })
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      socket.on('data', (chunk) => {
        bytes += chunk.length
      })
      sockets.push(socket)
    }
  },
  heard: () => ({ updates, bytes }),
}

export type ListeningDuties = typeof duties

serve(duties)
