import type { StreamConnection } from './connection.js'
import type { Handshakes } from './handshakes.js'
import type { Packets } from './packets.js'
import type { World } from './world.js'

/** The open connections of this gateway, bounded in all and per address. */
export class Connections {
  readonly world: World
  readonly packets: Packets
  readonly handshakes: Handshakes
  readonly #open = new Set<StreamConnection>()
  readonly #perAddress = new Map<string, number>()

  constructor(world: World, packets: Packets, handshakes: Handshakes) {
    this.world = world
    this.packets = packets
    this.handshakes = handshakes
  }

  get size(): number {
    return this.#open.size
  }

  /** What waits in sockets to be sent. */
  get unsentBytes(): number {
    let bytes = 0
    for (const connection of this.#open) bytes += connection.unsentBytes
    return bytes
  }

  /** Whether one more connection from `address` may be opened. To be asked before `add`. */
  admits(address: string): boolean {
    const { limits, metrics } = this.world
    const full = this.#open.size >= limits.connections
    if (!full && (this.#perAddress.get(address) ?? 0) < limits.connectionsPerAddress) return true
    metrics.count('connections_refused', 1, full ? 'all' : 'address')
    return false
  }

  add(connection: StreamConnection): void {
    const address = connection.remoteAddress
    this.#open.add(connection)
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    this.world.metrics.count('connections_opened', 1, connection.kind)
  }

  remove(connection: StreamConnection): void {
    if (!this.#open.delete(connection)) return
    const address = connection.remoteAddress
    const left = (this.#perAddress.get(address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(address, left)
    else this.#perAddress.delete(address)
    this.world.metrics.count('connections_closed', 1, connection.kind)
  }

  /** Closes connections that are silent for too long, and the fullest ones when memory runs out. */
  sweep(): void {
    const nowMs = this.world.clock.monotonic()
    for (const connection of this.#open) {
      const reason = connection.overdue(nowMs)
      if (reason !== undefined) connection.close(reason)
    }
    const { limits, budget } = this.world
    let excess = this.unsentBytes + budget.held - limits.bufferedBytes
    if (excess <= 0) return
    const fullest = [...this.#open].sort((a, b) => b.unsentBytes - a.unsentBytes)
    for (const connection of fullest) {
      if (excess <= 0 || connection.unsentBytes === 0) return
      excess -= connection.unsentBytes
      connection.close('memory is short')
    }
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close('the server stops')
  }
}
