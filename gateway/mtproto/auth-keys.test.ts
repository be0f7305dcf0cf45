import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import type { AuthKeyRecord } from './auth-key-store.js'
import { AuthKeyCache } from './auth-keys.js'
import { limitsWith } from './limits.js'
import type { Long } from './long.js'
import { ManualClock } from './test/manual-clock.js'
import { MemoryKeyStore } from './test/memory-key-store.js'

const id = (name: string) => name.padEnd(8, '_') as Long

let store: MemoryKeyStore
let cache: AuthKeyCache
beforeEach(() => {
  store = new MemoryKeyStore()
  cache = new AuthKeyCache(store, new ManualClock(), limitsWith({ authKeysCached: 3, authKeyLoadsInFlight: 2 }))
})

function put(name: string, record: Partial<AuthKeyRecord> = {}) {
  store.records.set(id(name), { id: id(name), key: randomBytes(256), layer: 0, userId: 0, ...record })
}

describe('loading', () => {
  test('asks the store once for many who want the same key', async () => {
    put('a', { userId: 5 })
    const [one, other] = await Promise.all([cache.load(id('a')), cache.load(id('a'))])
    expect(one).toBe(other)
    expect(one!.key.equals(store.records.get(id('a'))!.key)).toBe(true)
    expect(store.loads).toBe(1)
  })

  test('is bounded in flight', async () => {
    for (const name of ['a', 'b', 'c']) put(name)
    const loads = ['a', 'b', 'c'].map((name) => cache.load(id(name)))
    await expect(loads[2]).rejects.toThrow(/too many/)
    await Promise.all(loads.slice(0, 2))
    expect(await cache.load(id('c'))).toBeDefined()
  })

  test('forgets the least recently used', async () => {
    for (const name of ['a', 'b', 'c']) {
      put(name)
      await cache.load(id(name))
    }
    cache.cached(id('a'))
    put('d')
    await cache.load(id('d'))
    expect(cache.size).toBe(3)
    expect(cache.cached(id('b'))).toBeUndefined()
    expect(cache.cached(id('a'))).toBeDefined()
  })

  test('a temporary key brings its permanent one, which stays as long as it does', async () => {
    put('perm', { userId: 9, layer: 204 })
    put('temp', { permanentKeyId: id('perm'), expiresAtSeconds: 2_000_000_000 })
    const temporary = await cache.load(id('temp'))
    expect(temporary!.owner).toMatchObject({ userId: 9, layer: 204 })
    for (const name of ['a', 'b', 'c']) {
      put(name)
      cache.cached(id('temp'))
      await cache.load(id(name))
    }
    expect(cache.cached(id('temp'))!.owner).toBe(cache.cached(id('perm')))
    cache.drop(id('perm'))
    expect(cache.cached(id('temp'))).toBeUndefined()
  })

  test('a temporary key whose permanent one is gone is nobody', async () => {
    put('temp', { permanentKeyId: id('perm'), expiresAtSeconds: 2_000_000_000 })
    expect(await cache.load(id('temp'))).toBeUndefined()
  })
})

describe('what happens while a key is being loaded (invariant 3)', () => {
  test('a logout is not undone by the record that was read before it', async () => {
    put('a', { userId: 5 })
    const load = cache.load(id('a'))
    cache.update(id('a'), { userId: 0 })
    expect((await load)!.userId).toBe(0)
  })

  test('a key that was dropped is read again', async () => {
    put('a', { userId: 5 })
    const load = cache.load(id('a'))
    cache.drop(id('a'))
    expect((await load)!.userId).toBe(5)
    expect(store.loads).toBe(2)
  })

  test('one that was destroyed meanwhile is gone', async () => {
    put('a', { userId: 5 })
    const load = cache.load(id('a'))
    store.records.delete(id('a'))
    cache.drop(id('a'))
    expect(await load).toBeUndefined()
    expect(cache.size).toBe(0)
  })
})

test('a record that is no key is refused', async () => {
  put('a', { key: Buffer.alloc(255) })
  await expect(cache.load(id('a'))).rejects.toThrow(/256 bytes/)
})
