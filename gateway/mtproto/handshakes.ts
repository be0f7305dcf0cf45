import { AddressAllowance } from './address-allowance.js'
import { AddressCount } from './address-count.js'
import { AuthKey } from './auth-key.js'
import { DhOverloaded, type DhPool } from './crypto/dh-pool.js'
import { Handshake, HandshakeError, type NewKey } from './handshake.js'
import { readLong, writeLong, ZERO_LONG } from './long.js'
import { ANSWER } from './message-id.js'
import type { Peer } from './peer.js'
import type { TlObject } from './rpc.js'
import { SALT_SECONDS } from './salts.js'
import type { ServerKey } from './server-key.js'
import { UnpackBudget } from './unpack-budget.js'
import type { World } from './world.js'

const PLAIN_HEAD_BYTES = 20
/** The longest message of a key exchange is well below it. */
const MAX_PLAIN_BYTES = 2048
const MAX_FAILURES_PER_CONNECTION = 8
const NOT_FOUND = 404

/**
 * The key exchanges that are going on.
 *
 * 1. They are bounded in all and per address, and each ends after a time. One that was given up counts as long as a
 *    worker has something to do for it: nobody gets to fill the workers' queue by starting over.
 *    The keys that an address makes in an hour are bounded too: each takes place on the disk.
 * 2. A peer has one at most: `req_pq` starts over, on the same connection too, as often as an exchange may fail there.
 * 3. `dh_gen_ok` leaves only when the key is durable.
 * 4. They are found by the server's nonce, so that over HTTP each step may come on another connection.
 */
export class Handshakes {
  readonly #world: World
  readonly #serverKey: ServerKey
  readonly #pool: DhPool
  /** In the order of their start. */
  readonly #unfinished = new Map<string, Handshake>()
  /** How many steps are being worked on, of those that have any. */
  readonly #atWork = new Map<Handshake, number>()
  readonly #count: AddressCount
  readonly #newKeys: AddressAllowance

  constructor(world: World, serverKey: ServerKey, pool: DhPool) {
    this.#world = world
    this.#serverKey = serverKey
    this.#pool = pool
    const { unfinishedHandshakes, unfinishedHandshakesPerAddress } = world.limits
    this.#count = new AddressCount(unfinishedHandshakes, unfinishedHandshakesPerAddress)
    this.#newKeys = new AddressAllowance(world.clock, world.limits.newKeysPerAddressPerHour)
  }

  get unfinished(): number {
    return this.#unfinished.size
  }

  get jobsQueued(): number {
    return this.#pool.queued
  }

  /** An unencrypted packet. `packet` is a view that is not kept. */
  receive(peer: Peer, packet: Buffer): void {
    const message = this.#read(packet)
    if (!message) {
      this.#fail(peer, 'unreadable unencrypted packet')
      return
    }
    const step = this.#step(peer, message)
    step?.catch((error: unknown) => this.#failed(peer, error))
  }

  /** Ends the exchange that goes on with a peer that is gone. */
  abandon(peer: Peer): void {
    if (peer.handshake) this.#remove(peer.handshake)
    peer.handshake = undefined
  }

  /** Ends exchanges that take too long. */
  sweep(): void {
    const since = this.#world.clock.monotonic() - this.#world.limits.handshakeTimeoutMs
    for (const handshake of this.#unfinished.values()) {
      if (handshake.startedMs >= since) return
      this.#remove(handshake)
    }
  }

  #read(packet: Buffer): TlObject | undefined {
    if (packet.length < PLAIN_HEAD_BYTES + 4 || packet.length > MAX_PLAIN_BYTES) return undefined
    const bodyBytes = packet.readUInt32LE(16)
    if (bodyBytes < 4 || bodyBytes > packet.length - PLAIN_HEAD_BYTES) return undefined
    try {
      // A copy: its byte fields are kept for longer than the packet.
      return new UnpackBudget(0).read(Buffer.from(packet.subarray(PLAIN_HEAD_BYTES, PLAIN_HEAD_BYTES + bodyBytes)))
    } catch {
      return undefined
    }
  }

  #step(peer: Peer, message: TlObject): Promise<void> | undefined {
    switch (message._) {
      case 'mt_req_pq':
      case 'mt_req_pq_multi':
        this.#start(peer, message.nonce as Buffer)
        return undefined
      case 'mt_req_DH_params':
        return this.#requestParams(peer, message)
      case 'mt_set_client_DH_params':
        return this.#setClientParams(peer, message)
      // Some clients acknowledge even here.
      case 'mt_msgs_ack':
        return undefined
      default:
        this.#fail(peer, `unencrypted ${message._}`)
        return undefined
    }
  }

  #start(peer: Peer, nonce: Buffer) {
    const { metrics } = this.#world
    if (this.#isUnfinished(peer.handshake) && ++peer.failures >= MAX_FAILURES_PER_CONNECTION) {
      peer.close('too many handshakes begun')
      return
    }
    this.abandon(peer)
    if (this.#count.full(peer.remoteAddress) || this.#newKeys.isUsedUp(peer.remoteAddress)) {
      metrics.count('handshakes_refused')
      peer.close('too many handshakes')
      return
    }
    metrics.count('handshakes_started')
    const handshake = new Handshake(this.#world, this.#serverKey, this.#pool, peer.remoteAddress, nonce)
    this.#unfinished.set(nameOf(handshake.serverNonce), handshake)
    this.#count.add(peer.remoteAddress)
    peer.handshake = handshake
    this.#reply(peer, handshake.question())
  }

  async #requestParams(peer: Peer, message: TlObject) {
    const handshake = this.#find(message)
    const answer = await this.#working(handshake, handshake.requestParams(message))
    this.#reply(peer, answer)
  }

  async #setClientParams(peer: Peer, message: TlObject) {
    const handshake = this.#find(message)
    const agreement = await this.#working(handshake, handshake.setClientParams(message))
    this.#remove(handshake)
    if (agreement.outcome === 'fail') {
      this.#world.metrics.count('handshakes_failed')
      this.#reply(peer, agreement.fail)
      return
    }
    const { key } = agreement
    if (this.#world.keys.cached(key.id)) {
      this.#reply(peer, agreement.retry)
      return
    }
    this.#newKeys.take(handshake.address)
    await this.#keep(key)
    this.#world.metrics.count('handshakes_done')
    this.#reply(peer, agreement.ok)
  }

  async #keep({ id, key, salt, lifeSeconds }: NewKey) {
    const nowSeconds = this.#world.nowSeconds()
    const expiresAtSeconds = lifeSeconds > 0 ? nowSeconds + lifeSeconds : 0
    await this.#world.store.create({ id, key, ...(expiresAtSeconds > 0 && { expiresAtSeconds }) })
    const cached = new AuthKey(id, key, expiresAtSeconds)
    cached.initialSalt = salt
    cached.initialSaltUntilSeconds = nowSeconds + 2 * SALT_SECONDS
    this.#world.keys.add(cached)
  }

  #find(message: TlObject): Handshake {
    const handshake = this.#unfinished.get(nameOf(message.serverNonce as Buffer))
    if (!handshake) throw new HandshakeError('unknown server nonce')
    return handshake
  }

  #isUnfinished(handshake: Handshake | undefined): boolean {
    return handshake !== undefined && this.#unfinished.has(nameOf(handshake.serverNonce))
  }

  #remove(handshake: Handshake) {
    if (!this.#unfinished.delete(nameOf(handshake.serverNonce))) return
    if (!this.#atWork.has(handshake)) this.#count.remove(handshake.address)
  }

  /** The step's outcome; until then the exchange counts, also when it is over. */
  async #working<T>(handshake: Handshake, step: Promise<T>): Promise<T> {
    this.#atWork.set(handshake, (this.#atWork.get(handshake) ?? 0) + 1)
    try {
      return await step
    } finally {
      const left = (this.#atWork.get(handshake) ?? 1) - 1
      if (left > 0) this.#atWork.set(handshake, left)
      else {
        this.#atWork.delete(handshake)
        if (!this.#unfinished.has(nameOf(handshake.serverNonce))) this.#count.remove(handshake.address)
      }
    }
  }

  #failed(peer: Peer, error: unknown) {
    if (error instanceof HandshakeError) {
      this.#fail(peer, error.message)
      return
    }
    if (error instanceof DhOverloaded) this.#world.metrics.count('handshakes_refused')
    else this.#world.log.error({ err: error }, 'a handshake failed')
    this.abandon(peer)
    peer.close('handshake impossible just now')
  }

  /** The client starts over on the same connection, but not for ever. */
  #fail(peer: Peer, reason: string) {
    this.#world.metrics.count('handshakes_failed')
    this.#world.log.debug({ reason, address: peer.remoteAddress }, 'handshake refused')
    this.abandon(peer)
    peer.replyError(NOT_FOUND)
    if (++peer.failures >= MAX_FAILURES_PER_CONNECTION) peer.close('too many failed handshakes')
  }

  #reply(peer: Peer, body: Buffer) {
    const { ids } = this.#world
    ids.next(ANSWER)
    const packet = Buffer.alloc(PLAIN_HEAD_BYTES + body.length)
    writeLong(packet, ZERO_LONG, 0)
    packet.writeUInt32LE(ids.low, 8)
    packet.writeUInt32LE(ids.high, 12)
    packet.writeUInt32LE(body.length, 16)
    body.copy(packet, PLAIN_HEAD_BYTES)
    peer.reply(packet)
  }
}

function nameOf(serverNonce: Buffer): string {
  return serverNonce.toString('latin1')
}

/** Whether a packet is an unencrypted one: its auth key id is zero. */
export function isPlainPacket(packet: Buffer): boolean {
  return readLong(packet, 0) === ZERO_LONG
}
