import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createConnection } from 'node:net'
import { WebSocket } from 'ws'
import type { Address } from './raw-connection.js'

/** `tcp` is the bare intermediate transport; `websocket` is obfuscated, as browsers must. */
export type CarrierKind = 'tcp' | 'obfuscated' | 'websocket'

const INTERMEDIATE = Buffer.from([0xee, 0xee, 0xee, 0xee])
const OBFUSCATED_HEAD_BYTES = 64
/** Of other transports, of HTTP and of TLS. */
const FOREIGN_FIRST_BYTES = new Set([...Buffer.from('GPHO'), 0xef, 0xee, 0xdd, 0x16])

/** Takes frames to the server and brings its bytes. */
export interface Carrier {
  onData: (bytes: Buffer) => void
  onClose: () => void
  write(bytes: Buffer): void
  close(): void
}

export async function openCarrier({ host, port, carrier = 'tcp' }: Address): Promise<Carrier> {
  if (carrier === 'websocket') return obfuscated(await openWebSocket(host, port))
  const tcp = await openTcp(host, port)
  if (carrier === 'obfuscated') return obfuscated(tcp)
  tcp.write(INTERMEDIATE)
  return tcp
}

function openTcp(host: string, port: number): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, noDelay: true })
    const carrier: Carrier = {
      onData: () => undefined,
      onClose: () => undefined,
      write: (bytes) => void socket.write(bytes),
      close: () => void socket.destroy(),
    }
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.on('error', () => undefined)
      resolve(carrier)
    })
    socket.on('data', (bytes) => carrier.onData(bytes))
    socket.on('close', () => carrier.onClose())
  })
}

function openWebSocket(host: string, port: number): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${host}:${port}/apiws`, 'binary', { perMessageDeflate: false })
    const carrier: Carrier = {
      onData: () => undefined,
      onClose: () => undefined,
      write: (bytes) => socket.send(bytes),
      close: () => socket.terminate(),
    }
    socket.once('error', reject)
    socket.once('open', () => {
      socket.off('error', reject)
      socket.on('error', () => undefined)
      resolve(carrier)
    })
    socket.on('message', (bytes: Buffer) => carrier.onData(bytes))
    socket.on('close', () => carrier.onClose())
  })
}

/** @see https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation */
function obfuscated(inner: Carrier): Carrier {
  const head = obfuscatedHead()
  const reversed = Buffer.from(head.subarray(8, 56)).reverse()
  const cipher = createCipheriv('aes-256-ctr', head.subarray(8, 40), head.subarray(40, 56))
  const decipher = createDecipheriv('aes-256-ctr', reversed.subarray(0, 32), reversed.subarray(32, 48))
  const hidden = cipher.update(head)
  hidden.copy(head, 56, 56)
  inner.write(head)
  const carrier: Carrier = {
    onData: () => undefined,
    onClose: () => undefined,
    write: (bytes) => inner.write(cipher.update(bytes)),
    close: () => inner.close(),
  }
  inner.onData = (bytes) => carrier.onData(decipher.update(bytes))
  inner.onClose = () => carrier.onClose()
  return carrier
}

/** Random bytes that cannot be taken for another transport, and the tag of the intermediate one. */
function obfuscatedHead(): Buffer {
  for (;;) {
    const head = randomBytes(OBFUSCATED_HEAD_BYTES)
    INTERMEDIATE.copy(head, 56)
    const isForeign = FOREIGN_FIRST_BYTES.has(head[0]!) || head.readUInt32LE(4) === 0
    if (!isForeign) return head
  }
}
