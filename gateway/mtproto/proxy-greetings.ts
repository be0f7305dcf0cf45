import type { Socket } from 'node:net'
import { ProxyHeaderError, readProxyHeader } from './proxy-header.js'
import type { World } from './world.js'

/** A proxy sends the header as soon as it has connected. */
const HEADER_WITHIN_MS = 5_000
/** Connections whose header has not come yet; more are closed. */
const MAX_AWAITED = 8192

/** Connections of proxies that have not said yet whose they are: bounded in number and time. */
export class ProxyGreetings {
  readonly #world: World
  readonly #awaited = new Set<Socket>()

  constructor(world: World) {
    this.#world = world
  }

  /**
   * Waits for the header. `greeted` gets the client's address, undefined when the proxy speaks for itself, and what came
   * behind the header. A connection without a header, or with a wrong one, is closed.
   */
  await(socket: Socket, greeted: (address: string | undefined, rest: Buffer) => void): void {
    if (this.#awaited.size >= MAX_AWAITED) {
      this.#refuse(socket, 'too many connections without a PROXY header')
      return
    }
    let held: Buffer = Buffer.alloc(0)
    const leave = () => {
      timer.cancel()
      this.#awaited.delete(socket)
      socket.off('data', onData)
      socket.off('close', leave)
    }
    const onData = (bytes: Buffer) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
      try {
        const header = readProxyHeader(held)
        if (!header) return
        leave()
        greeted(header.address, held.subarray(header.bytes))
      } catch (error) {
        leave()
        if (!(error instanceof ProxyHeaderError)) throw error
        this.#refuse(socket, error.message)
      }
    }
    const timer = this.#world.clock.setTimer(HEADER_WITHIN_MS, () => {
      leave()
      this.#refuse(socket, 'no PROXY header came')
    })
    this.#awaited.add(socket)
    // 'close' follows.
    socket.on('error', () => {})
    socket.on('data', onData)
    socket.on('close', leave)
  }

  closeAll(): void {
    for (const socket of this.#awaited) socket.destroy()
  }

  #refuse(socket: Socket, reason: string): void {
    this.#world.metrics.count('connections_refused', 1, 'proxy')
    this.#world.log.warn({ reason, proxy: socket.remoteAddress }, 'a connection of a proxy was refused')
    socket.destroy()
  }
}
