import { randomBytes } from 'node:crypto'
import { open } from 'lmdb'
import {
  type Long,
  openPacket,
  PacketSealer,
  packetBytesFor,
  readContainer,
  readLong,
  rpcResult,
  TlReader,
  writeObject,
  writeResult,
} from '../../gateway/mtproto/testing/index.js'
import { systemRandom } from '../../runtime/index.js'
import type { WireSample } from '../client/load-worker.js'
import { LAYER } from '../client/raw-connection.js'
import { containerOf, keyIdOf, newKey, RawSession } from '../client/raw-session.js'

/** What a message costs at the very least, in microseconds of CPU, part by part. */
export interface MessageFloor {
  readonly decrypt: number
  readonly parse: number
  readonly storage: number
  readonly serialize: number
  readonly encrypt: number
}

/** What the server stored a message, as its own counters say: commits of the chat and of both boxes, and checkpoints. */
export interface StoredPerMessage {
  /** Puts and removals. */
  readonly operations: number
  /** Of keys and values. */
  readonly bytes: number
  readonly messagesPerFlush: number
}

/** What the server sent a message. Under load one packet carries answers and pushes of several messages. */
export interface SentPerMessage {
  readonly packets: number
  readonly bytes: number
}

export interface CountedPerMessage {
  readonly stored: StoredPerMessage
  readonly sent: SentPerMessage
}

/** A client acknowledges the answer and the push that it had since, in the packet of its next message. */
const ACKNOWLEDGED = 2
const FRAME_BYTES = 4
/** The packet's own head and the least padding that it may have. */
const PACKET_BYTES = packetBytesFor(0)
const KEY_BYTES = 32
const KEYS = 64

type Written = Parameters<typeof writeObject>[1]

/** The floor of a private message: each part alone, with the project's own primitives and the sizes of real packets. */
export class FloorMeter {
  readonly #sample: WireSample
  /** The sample's request as it travels: in a container, with acknowledgements. */
  readonly #request: Buffer
  readonly #counted: CountedPerMessage
  readonly #database
  readonly #rounds: number
  #row = 0

  constructor(path: string, sample: WireSample, counted: CountedPerMessage, rounds: number) {
    this.#sample = sample
    this.#request = withAcknowledgements(sample.request)
    this.#counted = counted
    this.#rounds = rounds
    this.#database = open<Buffer, Uint8Array>({
      path,
      noSubdir: true,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
      noMemInit: true,
    })
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async measure(): Promise<MessageFloor> {
    return {
      decrypt: this.#decrypt(),
      parse: this.#parse(),
      storage: await this.#storage(),
      serialize: this.#serialize(),
      encrypt: this.#encrypt(),
    }
  }

  #time(work: (round: number) => void): number {
    for (let i = 0; i < this.#rounds / 10; i++) work(i)
    const before = process.cpuUsage()
    for (let i = 0; i < this.#rounds; i++) work(i)
    return perRound(before, this.#rounds)
  }

  #decrypt(): number {
    const packets = Array.from({ length: KEYS }, () => {
      const key = newKey()
      const session = new RawSession({ key })
      return { key, packet: session.seal(this.#request, session.nextId(), 1) }
    })
    return this.#time((round) => {
      const { key, packet } = packets[round % KEYS]!
      if (openPacket(packet, key) === undefined) throw new Error('not opened')
    })
  }

  #parse(): number {
    return this.#time(() => {
      for (const { body } of readContainer(this.#request, 2) ?? []) new TlReader(body).object()
    })
  }

  #serialize(): number {
    const answer = new TlReader(this.#sample.answer).object() as unknown as Written
    const push = new TlReader(this.#sample.push).object() as unknown as Written
    const requestId = readLong(randomBytes(8), 0)
    return this.#time(() => {
      rpcResult(requestId, writeResult(LAYER, 'messages.sendMessage', answer as never))
      writeObject(LAYER, push)
    })
  }

  #encrypt(): number {
    const sealer = new PacketSealer(systemRandom)
    const keys = Array.from({ length: KEYS }, () => {
      const key = newKey()
      return { id: keyIdOf(key), key }
    })
    const salt = readLong(randomBytes(8), 0)
    const seal = (body: Buffer, key: { readonly id: Long; readonly key: Buffer }) => {
      const frame = Buffer.allocUnsafe(4 + packetBytesFor(body.length))
      body.copy(sealer.body(body.length))
      sealer.seal(key, salt, salt, 1_790_000_000, 1, 1, body.length, frame, 4)
    }
    const { packets, bytes } = this.#counted.sent
    const body = randomBytes(Math.round(bytes / packets - FRAME_BYTES - PACKET_BYTES) & ~3)
    return packets * this.#time((round) => seal(body, keys[round % KEYS]!))
  }

  /** The same rows as the server's, in transactions of as many messages, each flushed. */
  async #storage(): Promise<number> {
    const { operations, bytes, messagesPerFlush } = this.#counted.stored
    const perFlush = Math.max(1, Math.round(messagesPerFlush))
    const value = randomBytes(Math.max(1, Math.round(bytes / operations) - KEY_BYTES))
    const flushes = Math.max(10, Math.round(this.#rounds / perFlush))
    const before = process.cpuUsage()
    for (let flush = 0; flush < flushes; flush++) {
      await this.#database.batch(() => {
        for (let i = 0; i < perFlush * operations; i++) void this.#database.put(this.#key(i), value)
      })
    }
    return perRound(before, flushes * perFlush)
  }

  /** Appends at the end of one of many ranges, as journals do. */
  #key(range: number): Uint8Array {
    const key = Buffer.alloc(KEY_BYTES)
    key.writeUInt32BE(range % 256, 0)
    key.writeDoubleBE(++this.#row, KEY_BYTES - 8)
    return key
  }
}

function withAcknowledgements(body: Buffer): Buffer {
  const session = new RawSession({ key: newKey() })
  const msgIds = Array.from({ length: ACKNOWLEDGED }, () => session.nextId())
  const ack = writeObject(LAYER, { _: 'mt_msgs_ack', msgIds })
  return containerOf([
    { msgId: session.nextId(), seqNo: session.nextSeqNo(true), body },
    { msgId: session.nextId(), seqNo: session.nextSeqNo(false), body: ack },
  ])
}

function perRound(before: NodeJS.CpuUsage, rounds: number): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / rounds
}
