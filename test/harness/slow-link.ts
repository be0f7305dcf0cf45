import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A network before a server that a test can slow down. */
export interface SlowLink {
  readonly port: number
  /** Where new connections go. */
  toPort: number
  /** What the server says arrives this much later, from now on, and never before what it said earlier. */
  delayMs: number
  /** Ends every connection; new ones are let through. */
  cut(): void
  /** What is said on connections that are there now never arrives, and nobody is told; new ones are let through. */
  swallow(): void
  dispose(): Promise<void>
}

export async function slowLink(toPort: number, toHost = '127.0.0.1'): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const swallowed = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(link.toPort, toHost)
    client.pipe(server)
    let arrived = Promise.resolve()
    server.on('data', (bytes) => {
      const due = link.delayMs === 0 ? undefined : pause(link.delayMs, undefined, { ref: false })
      arrived = arrived.then(() => due).then(() => void (swallowed.has(server) || client.write(bytes)))
    })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        swallowed.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const link: SlowLink = {
    port: (listener.address() as AddressInfo).port,
    toPort,
    delayMs: 0,
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    swallow() {
      for (const socket of sockets) {
        swallowed.add(socket)
        socket.unpipe()
        socket.resume()
      }
    },
    async dispose() {
      link.cut()
      listener.close()
      await once(listener, 'close')
    },
  }
  return link
}
