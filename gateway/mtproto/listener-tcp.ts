import { createServer, type Server, type Socket } from 'node:net'
import { plainAddress } from './client-address.js'
import { StreamConnection } from './connection.js'
import type { Connections } from './connections.js'
import type { Listening, TcpListenOptions } from './gateway.js'
import { ProxyGreetings } from './proxy-greetings.js'
import { TrustedProxies } from './trusted-proxies.js'

const KEEP_ALIVE_AFTER_MS = 60_000
const LAST_WORDS_BYTES = 4096
const LAST_WORDS_MS = 2000
const connectionOf = Symbol('connection')

type TcpSocket = Socket & { [connectionOf]?: TcpConnection }

// One function for all sockets: a closure for each would be most of what an idle connection costs us.
function onData(this: TcpSocket, bytes: Buffer) {
  this[connectionOf]?.received(bytes)
}

function onDrain(this: TcpSocket) {
  this[connectionOf]?.onDrain()
}

function onClose(this: TcpSocket) {
  this[connectionOf]?.gone()
}

// 'close' follows.
function onError() {}

class TcpConnection extends StreamConnection {
  readonly kind = 'tcp'
  readonly #socket: TcpSocket

  constructor(connections: Connections, socket: TcpSocket, address: string) {
    super(connections, address)
    this.#socket = socket
    socket[connectionOf] = this
    socket.on('data', onData)
    socket.on('drain', onDrain)
    socket.on('close', onClose)
    socket.on('error', onError)
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  onDrain(): void {
    this.drained()
  }

  protected write(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  protected setReading(reading: boolean): void {
    if (reading) this.#socket.resume()
    else this.#socket.pause()
  }

  protected closeCarrier(): void {
    const socket = this.#socket
    if (socket.writableLength > LAST_WORDS_BYTES) {
      socket.destroy()
      return
    }
    // What is written leaves first, for an error that tells the client why must arrive; but nobody waits for ever.
    socket.setTimeout(LAST_WORDS_MS, () => socket.destroy())
    socket.destroySoon()
  }
}

export interface TcpListener {
  readonly listening: Listening
  close(): Promise<void>
}

/**
 * Listens for MTProto over TCP. What comes from a proxy has to begin with a PROXY header, which says whose connection it
 * is. Rejects when the address cannot be had.
 */
export async function listenTcp(
  connections: Connections,
  { host, port, proxies = [] }: TcpListenOptions,
): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS })
  const greetings = new ProxyGreetings(connections.world)
  const trusted = new TrustedProxies(proxies)
  const take = (socket: Socket, address: string): TcpConnection | undefined => {
    if (!connections.admits(address)) {
      socket.destroy()
      return undefined
    }
    const connection = new TcpConnection(connections, socket, address)
    connections.add(connection)
    return connection
  }
  server.on('connection', (socket) => {
    const address = plainAddress(socket.remoteAddress)
    if (address === undefined) socket.destroy()
    else if (proxies.length === 0 || !trusted.has(address)) take(socket, address)
    else greetings.await(socket, (client, rest) => take(socket, client ?? address)?.received(rest))
  })
  await listen(server, host, port)
  const bound = server.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('a TCP server has a host and a port')
  return {
    listening: { host, port: bound.port },
    close: () => {
      greetings.closeAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
