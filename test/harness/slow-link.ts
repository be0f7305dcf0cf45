import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A network before a server that a test can slow down. */
export interface SlowLink {
  readonly port: number
  /** What the server says arrives this much later, from now on. */
  delayMs: number
  dispose(): Promise<void>
}

export async function slowLink(toPort: number): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(toPort, '127.0.0.1')
    client.pipe(server)
    server.on('data', (bytes) => {
      if (link.delayMs === 0) client.write(bytes)
      else setTimeout(() => client.write(bytes), link.delayMs)
    })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const link: SlowLink = {
    port: (listener.address() as AddressInfo).port,
    delayMs: 0,
    async dispose() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
  return link
}
