import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ClientTarget } from './login.js'
import type { Address } from './server-process.js'

/** A network between clients and a server that a test can pull: the target to give to clients, and what to do to it. */
export interface Cable extends ClientTarget {
  /** Ends every connection at once, as a lost network does; new ones are let through. */
  cut(): void
  /** Ends every connection and refuses new ones until `mend`. */
  unplug(): void
  mend(): void
  /** How many connections go through it now. */
  connections(): number
  dispose(): Promise<void>
}

/** Puts a cable before both listeners of a server. */
export async function cable(target: ClientTarget): Promise<Cable> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let isPlugged = true

  const forward = async (to: Address) => {
    const listener = createServer((client) => {
      if (!isPlugged) return void client.destroy()
      const server = connect(to.port, to.host)
      const pair = [client, server] as const
      pairs.add(pair)
      client.setNoDelay(true)
      server.setNoDelay(true)
      client.pipe(server).pipe(client)
      for (const socket of pair) {
        socket.on('error', () => {})
        socket.on('close', () => end(pair))
      }
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return { listener, at: { host: '127.0.0.1', port: (listener.address() as AddressInfo).port } }
  }

  function end(pair: readonly [Socket, Socket]): void {
    if (pairs.delete(pair)) for (const socket of pair) socket.destroy()
  }

  const cut = () => pairs.forEach(end)
  const mtproto = await forward(target.mtproto)
  const http = await forward(target.http)
  return {
    mtproto: mtproto.at,
    http: http.at,
    publicKeyPem: target.publicKeyPem,
    cut,
    unplug() {
      isPlugged = false
      cut()
    },
    mend() {
      isPlugged = true
    },
    connections: () => pairs.size,
    async dispose() {
      cut()
      await Promise.all([mtproto, http].map(({ listener }) => new Promise((done) => listener.close(done))))
    },
  }
}
