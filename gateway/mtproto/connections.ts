import { AddressCount } from './address-count.js'
import { addressGroup } from './client-address.js'
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
  readonly #count: AddressCount
  /** Unsent bytes by address, of connections that have many. */
  readonly #unsent = new Map<string, number>()

  constructor(world: World, packets: Packets, handshakes: Handshakes) {
    this.world = world
    this.packets = packets
    this.handshakes = handshakes
    this.#count = new AddressCount(world.limits.connections, world.limits.connectionsPerAddress)
    world.partials.watch(this.#open)
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
    const full = this.#count.full(address)
    if (full) this.world.metrics.count('connections_refused', 1, full)
    return !full
  }

  add(connection: StreamConnection): void {
    this.#open.add(connection)
    this.#count.add(connection.remoteAddress)
    this.world.metrics.count('connections_opened', 1, connection.kind)
  }

  remove(connection: StreamConnection): void {
    if (!this.#open.delete(connection)) return
    this.#count.remove(connection.remoteAddress)
    this.world.metrics.count('connections_closed', 1, connection.kind)
  }

  /** Counts unsent bytes for the connection's address. False if that has more than its share, and adds to it. */
  countUnsent({ remoteAddress }: StreamConnection, added: number): boolean {
    if (added === 0) return true
    const group = addressGroup(remoteAddress)
    const bytes = (this.#unsent.get(group) ?? 0) + added
    if (bytes > 0) this.#unsent.set(group, bytes)
    else this.#unsent.delete(group)
    return added < 0 || bytes <= this.world.limits.unsentBytesPerAddress
  }

  /** Makes room for packets that arrive in part. */
  shed(): void {
    this.world.metrics.count('partial_packets_dropped', this.world.partials.shed())
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

  /** Nothing that clients send is taken for so long. */
  restAll(delayMs: number): void {
    for (const connection of this.#open) connection.rest(delayMs)
  }

  closeAll(): void {
    for (const connection of this.#open) connection.close('the server stops')
  }
}
