import { createServer, type Server, type Socket } from 'node:net'
import { plainAddress } from './client-address.js'
import { StreamConnection } from './connection.js'
import type { Connections } from './connections.js'
import type { Listening, TcpListenOptions } from './gateway.js'

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

/** Listens for MTProto over TCP. Rejects when the address cannot be had. */
export async function listenTcp(connections: Connections, { host, port }: TcpListenOptions): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS })
  server.on('connection', (socket: TcpSocket) => {
    const address = plainAddress(socket.remoteAddress)
    if (address === undefined || !connections.admits(address)) {
      socket.destroy()
      return
    }
    connections.add(new TcpConnection(connections, socket, address))
  })
  await listen(server, host, port)
  const bound = server.address()
  if (typeof bound !== 'object' || bound === null) throw new Error('a TCP server has a host and a port')
  return {
    listening: { host, port: bound.port },
    close: () => new Promise((resolve) => server.close(() => resolve())),
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
