import { connect, type Socket } from 'node:net'
import WebSocket from 'ws'
import type { FramingName } from '../transport/framing.js'
import type { Exchange } from './handshake-client.js'
import { StreamClient } from './stream-client.js'

/** A client's way to the server, with what came back kept until somebody asks. */
export interface Wire {
  send(...packets: Buffer[]): void
  /** The next packet; rejects when the connection closes first. */
  next(): Promise<Buffer>
  readonly exchange: Exchange
  readonly closed: Promise<void>
  close(): void
}

interface Origin {
  /** The address of this machine that the connection comes from. */
  readonly localAddress?: string
  /** What a proxy says before the client's first byte. */
  readonly head?: Buffer
}

export function tcpWire(
  port: number,
  framing: FramingName = 'intermediate',
  obfuscated = false,
  { localAddress, head }: Origin = {},
): Wire {
  const socket: Socket = connect({ host: '127.0.0.1', port, noDelay: true, ...(localAddress && { localAddress }) })
  if (head) socket.write(head)
  const codec = new StreamClient(framing, obfuscated)
  const inbox = new Inbox()
  socket.on('data', (bytes) => {
    // A bare transport error is shorter than any frame of `full`.
    if (framing === 'full' && bytes.length === 4) inbox.put(bytes)
    else for (const packet of codec.decode(bytes)) inbox.put(packet)
  })
  socket.on('error', () => {})
  socket.on('close', () => inbox.end())
  return wireOf(
    inbox,
    (packet) => void socket.write(codec.encode(packet)),
    () => socket.destroy(),
  )
}

export function webSocketWire(port: number, framing: FramingName = 'intermediate', path = '/apiws'): Wire {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'binary')
  const codec = new StreamClient(framing, true)
  const inbox = new Inbox()
  const opened = new Promise<void>((resolve) => socket.on('open', () => resolve()))
  socket.on('message', (bytes: Buffer) => {
    for (const packet of codec.decode(bytes)) inbox.put(packet)
  })
  socket.on('error', () => {})
  socket.on('close', () => inbox.end())
  return wireOf(
    inbox,
    (packet) => void opened.then(() => socket.send(codec.encode(packet))),
    () => socket.terminate(),
  )
}

/** One POST, one packet back, if any. */
export function httpExchange(
  port: number,
  path = '/api',
): (packet: Buffer) => Promise<{ status: number; packet: Buffer }> {
  return async (packet) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: packet })
    return { status: response.status, packet: Buffer.from(await response.arrayBuffer()) }
  }
}

class Inbox {
  readonly #packets: Buffer[] = []
  #waiting: { resolve(packet: Buffer): void; reject(error: Error): void }[] = []
  #ended = false
  #onEnd: () => void = () => {}
  readonly ended = new Promise<void>((resolve) => {
    this.#onEnd = resolve
  })

  put(packet: Buffer) {
    const waiting = this.#waiting.shift()
    if (waiting) waiting.resolve(packet)
    else this.#packets.push(packet)
  }

  end() {
    this.#ended = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection closed'))
    this.#onEnd()
  }

  next(): Promise<Buffer> {
    const packet = this.#packets.shift()
    if (packet) return Promise.resolve(packet)
    if (this.#ended) return Promise.reject(new Error('the connection closed'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }
}

function wireOf(inbox: Inbox, send: (packet: Buffer) => void, close: () => void): Wire {
  return {
    send: (...packets) => packets.forEach(send),
    next: () => inbox.next(),
    exchange: (packet) => {
      send(packet)
      return inbox.next()
    },
    closed: inbox.ended,
    close,
  }
}
