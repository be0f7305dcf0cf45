import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Live } from './chaos-cluster.js'

/** Where one client dials, whatever gateway it reaches by that. */
export interface Door {
  readonly host: string
  readonly port: number
  /** Connections to gateways, in order: when, and to which. */
  readonly connections: readonly { readonly atMs: number; readonly gateway: string }[]
}

/**
 * What HAProxy is in production: a client knows one address, and reaches some gateway that takes connections. It passes
 * bytes on, and ends a client's connection with its gateway's.
 */
export class Front {
  readonly #gateways: () => readonly Live[]
  readonly #listeners = new Set<Server>()
  readonly #sockets = new Set<Socket>()

  constructor(gateways: () => readonly Live[]) {
    this.#gateways = gateways
  }

  /** `preferred`: which gateway is tried first. */
  async door(preferred: number): Promise<Door> {
    const connections: { atMs: number; gateway: string }[] = []
    const listener = createServer((client) => {
      this.#keep(client)
      void this.#reach(preferred, (gateway) => connections.push({ atMs: performance.now(), gateway })).then(
        (server) => {
          if (server === undefined || client.destroyed) {
            server?.destroy()
            client.destroy()
            return
          }
          client.pipe(server).pipe(client)
          client.on('close', () => server.destroy())
          server.on('close', () => client.destroy())
        },
      )
    })
    this.#listeners.add(listener)
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return { host: '127.0.0.1', port: (listener.address() as AddressInfo).port, connections }
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  async #reach(preferred: number, reached: (gateway: string) => void): Promise<Socket | undefined> {
    const gateways = this.#gateways()
    for (let nth = 0; nth < gateways.length; nth++) {
      const { name, mtproto } = gateways[(preferred + nth) % gateways.length]!
      const socket = mtproto && (await dialled(mtproto.host, mtproto.port))
      if (socket === undefined) continue
      this.#keep(socket)
      reached(name)
      return socket
    }
    return undefined
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

function dialled(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}
