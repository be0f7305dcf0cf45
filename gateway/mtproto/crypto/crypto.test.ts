import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Long } from '../long.js'
import { generateServerKey, loadServerKey, serverKey } from '../server-key.js'
import { systemRandom } from '../test/system-random.js'
import { DhPool } from './dh-pool.js'
import { DH_EXPONENT_BYTES, DH_PRIME, isSafeDhValue, padDhValue } from './diffie-hellman.js'
import { sha1, sha256 } from './hash.js'
import { igeDecrypt, igeEncrypt, igeEncryptAsCbc } from './ige.js'
import { openPacket, PacketSealer, packetBytesFor } from './packet.js'
import { makeFactors } from './pq.js'

describe('hashes', () => {
  test.each([0, 1, 52, 99, 100, 101, 5000])('SHA-256 of %i bytes is what OpenSSL says', (bytes) => {
    const data = randomBytes(bytes)
    expect(Buffer.from(sha256(data))).toEqual(createHash('sha256').update(data).digest())
  })

  test('SHA-1 joins its parts', () => {
    expect(sha1(Buffer.from('ab'), Buffer.from('c')).toString('hex')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
  })
})

describe('IGE', () => {
  test.each([16, 32, 48, 64, 752, 768, 784, 65536])('%i bytes: the CBC pass equals the plain definition', (bytes) => {
    const [key, iv, data] = [randomBytes(32), randomBytes(32), randomBytes(bytes)]
    const sealed = Buffer.from(igeEncrypt(data, key, iv))
    expect(Buffer.from(igeEncryptAsCbc(data, key, iv))).toEqual(sealed)
    expect(Buffer.from(igeDecrypt(sealed, key, iv))).toEqual(data)
  })

  test('memory that is not aligned makes no difference', () => {
    const [key, iv] = [randomBytes(32), randomBytes(33).subarray(1)]
    const data = randomBytes(1025).subarray(1)
    expect(Buffer.from(igeDecrypt(igeEncryptAsCbc(data, key, iv), key, iv))).toEqual(data)
  })
})

describe('packets', () => {
  const head = { id: 'keykeyke' as Long, key: randomBytes(256) }

  test('a sealed packet is as the protocol says: 12 to 27 bytes of padding, message key over all of it', () => {
    const sealer = new PacketSealer(systemRandom)
    for (const bytes of [4, 8, 12, 16, 100_000]) {
      sealer.body(bytes).fill(7)
      const frame = Buffer.alloc(packetBytesFor(bytes) + 3)
      sealer.seal(head, 'saltsalt' as Long, 'sessions' as Long, 0x01020304, 0x05060708, 9, bytes, frame, 3)
      const packet = frame.subarray(3)
      expect(packet.toString('latin1', 0, 8)).toBe(head.id)
      const messageKey = packet.subarray(8, 24)
      const part = (from: number, count: number) => head.key.subarray(from + 8, from + 8 + count)
      const a = createHash('sha256').update(messageKey).update(part(0, 36)).digest()
      const b = createHash('sha256').update(part(40, 36)).update(messageKey).digest()
      const key = Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)])
      const iv = Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)])
      const plain = Buffer.from(igeDecrypt(packet.subarray(24), key, iv))
      expect(createHash('sha256').update(part(88, 32)).update(plain).digest().subarray(8, 24)).toEqual(messageKey)
      expect(plain.toString('latin1', 0, 16)).toBe('saltsaltsessions')
      expect(plain.readUInt32LE(20)).toBe(0x01020304)
      expect(plain.readUInt32LE(16)).toBe(0x05060708)
      expect(plain.readUInt32LE(28)).toBe(bytes)
      expect(plain.subarray(32, 32 + bytes)).toEqual(Buffer.alloc(bytes, 7))
      const padding = plain.length - 32 - bytes
      expect(padding).toBeGreaterThanOrEqual(12)
      expect(padding).toBeLessThan(28)
    }
  })

  test('a packet that was changed anywhere, or made with another key, does not open', () => {
    const packet = clientPacket(head.key, randomBytes(40))
    expect(openPacket(packet, head.key)).toBeDefined()
    expect(openPacket(packet, randomBytes(256))).toBeUndefined()
    for (let at = 8; at < packet.length; at++) {
      const changed = Buffer.from(packet)
      changed[at]! ^= 0x40
      expect(openPacket(changed, head.key)).toBeUndefined()
    }
  })

  test('any number of bytes is refused or opened, never thrown at', () => {
    for (let bytes = 0; bytes < 200; bytes++) expect(openPacket(randomBytes(bytes), head.key)).toBeUndefined()
  })

  function clientPacket(authKey: Buffer, body: Buffer): Buffer {
    const padding = 12 + (-(32 + body.length + 12) & 15)
    const plain = Buffer.concat([randomBytes(28), Buffer.alloc(4), body, randomBytes(padding)])
    plain.writeUInt32LE(body.length, 28)
    const messageKey = createHash('sha256').update(authKey.subarray(88, 120)).update(plain).digest().subarray(8, 24)
    const a = createHash('sha256').update(messageKey).update(authKey.subarray(0, 36)).digest()
    const b = createHash('sha256').update(authKey.subarray(40, 76)).update(messageKey).digest()
    const key = Buffer.concat([a.subarray(0, 8), b.subarray(8, 24), a.subarray(24, 32)])
    const iv = Buffer.concat([b.subarray(0, 8), a.subarray(8, 24), b.subarray(24, 32)])
    return Buffer.concat([randomBytes(8), messageKey, igeEncrypt(plain, key, iv)])
  }
})

test('pq is 8 bytes below 2^63 with its two factors', () => {
  for (let i = 0; i < 20; i++) {
    const { pq, p, q } = makeFactors(systemRandom)
    expect(pq.length).toBe(8)
    expect(pq[0]! & 0x80).toBe(0)
    expect(BigInt(p.readUInt32BE()) * BigInt(q.readUInt32BE())).toBe(pq.readBigUInt64BE())
    expect(p.readUInt32BE()).toBeLessThan(q.readUInt32BE())
  }
})

describe('Diffie-Hellman on workers', () => {
  const key = generateServerKey()
  let pool: DhPool
  beforeAll(() => {
    pool = new DhPool(key, 1, 4)
  })
  afterAll(() => pool.close())

  test('both sides agree on a secret, with an exponent of their own each time', async () => {
    const block = randomBytes(256)
    block[0] = 0
    const [a, b] = [randomBytes(DH_EXPONENT_BYTES), randomBytes(DH_EXPONENT_BYTES)]
    const one = await pool.open('192.0.2.1', block, a)
    const other = await pool.open('192.0.2.1', block, b)
    expect(one!.value).not.toEqual(other!.value)
    expect(isSafeDhValue(one!.value)).toBe(true)
    expect(await pool.agree('192.0.2.1', other!.value, a)).toEqual(await pool.agree('192.0.2.1', one!.value, b))
  })

  test('a block outside the modulus answers undefined', async () => {
    expect(await pool.open('192.0.2.1', Buffer.alloc(256, 0xff), randomBytes(DH_EXPONENT_BYTES))).toBeUndefined()
  })

  test('jobs beyond the bound are refused', async () => {
    const block = Buffer.alloc(256, 1)
    const jobs = Array.from({ length: 10 }, () => pool.open('192.0.2.1', block, randomBytes(DH_EXPONENT_BYTES)))
    const outcomes = await Promise.allSettled(jobs)
    // Four wait, and two more are with the worker.
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).toBe(6)
    expect(pool.queued).toBe(0)
  })

  test('an address is served after one job of each other, whatever they have waiting', async () => {
    const wide = new DhPool(key, 1, 200)
    const block = Buffer.alloc(256, 1)
    const done: string[] = []
    const job = async (address: string) => {
      await wide.open(address, block, randomBytes(DH_EXPONENT_BYTES))
      done.push(address)
    }
    const greedy = Promise.allSettled(Array.from({ length: 100 }, () => job('192.0.2.1')))
    await job('192.0.2.2')
    // Those that were with the worker already, and one turn.
    expect(done.length).toBeLessThanOrEqual(5)
    await wide.close()
    await greedy
  })

  test('values at the edge of the group are not safe', () => {
    expect(isSafeDhValue(padDhValue(Buffer.from([1]))!)).toBe(false)
    expect(isSafeDhValue(Buffer.alloc(256))).toBe(false)
    expect(isSafeDhValue(DH_PRIME)).toBe(false)
    expect(padDhValue(Buffer.alloc(257))).toBeUndefined()
  })
})

describe('the server key', () => {
  test('is made once, is private, and comes back the same', () => {
    const directory = mkdtempSync(join(tmpdir(), 'heliograph-key-'))
    try {
      const made = loadServerKey(directory)
      chmodSync(join(directory, 'server-key.pem'), 0o644)
      expect(loadServerKey(directory).fingerprint).toBe(made.fingerprint)
      expect(statSync(join(directory, 'server-key.pem')).mode & 0o777).toBe(0o600)
      expect(readFileSync(join(directory, 'server-key.pub.pem'), 'utf8')).toBe(made.publicPem)
      expect(made.publicPem).toContain('BEGIN RSA PUBLIC KEY')
      expect(made.fingerprintHex).toMatch(/^[1-9a-f][0-9a-f]{15}$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('is not replaced when it is lost: clients know the public one', () => {
    const directory = mkdtempSync(join(tmpdir(), 'heliograph-key-'))
    try {
      loadServerKey(directory)
      rmSync(join(directory, 'server-key.pem'))
      expect(() => loadServerKey(directory)).toThrow(expect.objectContaining({ cure: expect.any(String) }))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('another kind of key is refused with a cure', () => {
    const directory = mkdtempSync(join(tmpdir(), 'heliograph-key-'))
    try {
      writeFileSync(join(directory, 'server-key.pem'), 'half a key')
      expect(() => loadServerKey(directory)).toThrow(expect.objectContaining({ cure: expect.any(String) }))
    } finally {
      rmSync(directory, { recursive: true })
    }
    expect(() => serverKey(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)).toThrow(/2048/)
  })
})
