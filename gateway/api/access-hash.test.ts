import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AccessHashes } from './access-hash.js'
import { ZERO_LONG } from './long.js'

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

test('a hash opens that user for that viewer alone, and is never zero', () => {
  const hashes = new AccessHashes(Buffer.alloc(32, 1))
  fc.assert(
    fc.property(id, id, id, (viewer, target, other) => {
      const hash = hashes.ofUser(viewer, target)
      expect(hash).toHaveLength(8)
      expect(hash).not.toBe(ZERO_LONG)
      expect(hashes.opensUser(viewer, target, hash)).toBe(true)
      if (other !== viewer) expect(hashes.opensUser(other, target, hash)).toBe(false)
      if (other !== target) expect(hashes.opensUser(viewer, other, hash)).toBe(false)
    }),
  )
})

test('another key, another hash; the same key, the same hash after a restart', () => {
  const [one, again, other] = [1, 1, 2].map((byte) => new AccessHashes(Buffer.alloc(32, byte)).ofUser(5, 6))
  expect(one).toBe(again)
  expect(one).not.toBe(other)
})

test('a key that can be guessed is refused', () => {
  expect(() => new AccessHashes(Buffer.alloc(8))).toThrow('16 bytes')
})
