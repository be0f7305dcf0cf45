import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from './server-process.js'

/** In front of several servers, as HAProxy would stand there: each connection goes to the next one that takes it. */
export interface Balancer {
  readonly address: Address
  close(): Promise<void>
}

/** `servers` is asked for each connection. They take turns, or the first one that can be reached takes all. */
export async function balancer(
  servers: () => readonly Address[],
  how: 'in turn' | 'the first' = 'in turn',
): Promise<Balancer> {
  const open = new Set<Socket>()
  let turn = 0
  const server = createServer({ noDelay: true }, (client) => {
    open.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => open.delete(client))
    const all = servers()
    const first = how === 'in turn' ? turn++ : 0
    pass(
      client,
      all.map((_, at) => all[(first + at) % all.length]!),
    )
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** To the first that can be reached; the client's bytes wait meanwhile. */
function pass(client: Socket, [first, ...others]: readonly Address[]): void {
  if (!first || client.destroyed) {
    client.destroy()
    return
  }
  const server = connect({ ...first, noDelay: true })
  let isConnected = false
  server.once('connect', () => {
    isConnected = true
    client.pipe(server)
    server.pipe(client)
  })
  server.on('error', () => {
    if (isConnected) client.destroy()
    else pass(client, others)
  })
  server.on('close', () => isConnected && client.destroy())
  client.on('close', () => server.destroy())
}
