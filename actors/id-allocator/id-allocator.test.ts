import { expect, it } from 'vitest'
import { World } from '../testing/world.js'
import { idAllocatorActor } from './actor.js'
import { ACCOUNT_SHARDS, IdAllocator } from './contract.js'

it('gives each id once, above a million and with its shard, also across crashes', async () => {
  const world = new World(() => [idAllocatorActor])
  const ids: number[] = []
  for (let round = 0; round < 4; round++) {
    await world.start()
    const next = () => world.node.ref(IdAllocator, { purpose: 'user', shard: 7 }).next()
    ids.push(...(await world.until(Promise.all(Array.from({ length: 70 }, next)))))
    world.crash()
  }
  expect(new Set(ids).size).toBe(280)
  for (const id of ids) {
    expect(id).toBeGreaterThan(1_000_000)
    expect(id % ACCOUNT_SHARDS).toBe(7)
  }
})
