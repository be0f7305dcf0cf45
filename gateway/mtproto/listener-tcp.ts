import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net'
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

/** What any socket has read last. Packets are views of it, and nobody keeps one (StreamTransport 3). */
const arrived = Buffer.allocUnsafeSlow(64 * 1024)

// One function for all sockets: a closure for each would be most of what an idle connection costs us.
function onRead(this: TcpSocket, bytes: number): boolean {
  this[connectionOf]?.received(arrived.subarray(0, bytes))
  return true
}

const READ_INTO_ONE_BUFFER = { buffer: arrived, callback: onRead }

/**
 * The connection as a socket that reads into one buffer. Node reads into 64 KiB of new memory each time, which costs as
 * much as decrypting a packet, unless a socket is made with `onread`; and a server makes its sockets without. So the
 * socket that it made is left, and its handle gets another. Where Node should have no such handle any more, it stays.
 */
function withOneBuffer(accepted: Accepted): TcpSocket {
  const handle = accepted._handle
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.on('data', (bytes) => (accepted as TcpSocket)[connectionOf]?.received(bytes))
    return accepted
  }
  accepted._handle = null
  accepted.destroy()
  return new Socket({ handle, onread: READ_INTO_ONE_BUFFER } as SocketConstructorOpts)
}

type Accepted = Socket & { _handle?: { useUserBuffer?: unknown } | null }

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
    socket.on('drain', onDrain)
    socket.on('close', onClose)
    socket.on('error', onError)
    socket.resume()
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
  let open = 0
  let allClosed: (() => void) | undefined
  const onSocketClose = () => {
    if (--open === 0) allClosed?.()
  }
  const take = (accepted: Socket, address: string): TcpConnection | undefined => {
    if (!connections.admits(address)) {
      accepted.destroy()
      return undefined
    }
    const socket = withOneBuffer(accepted)
    open++
    socket.on('close', onSocketClose)
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
    close: async () => {
      greetings.closeAll()
      await new Promise((resolve) => server.close(resolve))
      if (open > 0) await new Promise<void>((resolve) => (allClosed = resolve))
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
