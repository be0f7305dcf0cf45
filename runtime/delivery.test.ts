/** CORE D2: E1-E2 of sweeper.ts, M5 of commits.ts. */
import { describe, expect, test } from 'vitest'
import { type ActorDefinition, actorType, errorCode, implement, numberKey } from './index.js'
import { SoloOwnership, settled, testSystem } from './testing/index.js'

interface Post {
  /** Owes one delivery. */
  send(): Promise<number>
  /** Owes nothing. */
  note(): Promise<void>
}
const Post = actorType<Post, number>('post', { methods: { send: 'turn', note: 'turn' }, ...numberKey })
interface PostShape {
  contract: Post
  id: number
  state: { sent: number; delivered: number }
  entry: { type: 'sent' } | { type: 'noted' } | { type: 'delivered' }
  memory: undefined
}

/** Delivers when `world.delivers` says so, and notes it in the journal. */
function posts() {
  const world = { delivers: true, resumed: 0, limits: { idleAfterMs: 60_000 } }
  const deliver = (turn: Parameters<NonNullable<ActorDefinition<PostShape>['delivery']>['resume']>[0]) => {
    if (world.delivers) while (turn.state.delivered < turn.state.sent) turn.append({ type: 'delivered' })
  }
  const actor = implement<PostShape>({
    type: Post,
    state: {
      version: 1,
      initial: () => ({ sent: 0, delivered: 0 }),
      apply(state, { type }) {
        if (type === 'sent') state.sent++
        else if (type === 'delivered') state.delivered++
        return state
      },
    },
    methods: {
      send(turn) {
        turn.append({ type: 'sent' })
        deliver(turn)
        return turn.state.sent
      },
      note: (turn) => void turn.append({ type: 'noted' }),
    },
    delivery: {
      owes: (entry) => entry.type === 'sent',
      resume(turn) {
        world.resumed++
        deliver(turn)
      },
      settled: (self) => self.state.delivered === self.state.sent,
    },
    limits: world.limits,
  })
  return { world, actor }
}

function rigged(given: Parameters<typeof testSystem>[1] = {}) {
  const { world, actor } = posts()
  const rig = testSystem([actor], { limits: { sweepEveryMs: 20_000 }, ...given })
  return { ...rig, world, post: rig.system.ref(Post, 1) }
}

const rowsWritten = (rig: ReturnType<typeof rigged>) =>
  rig.store.commits.map(({ before }) => before?.undelivered === true)

describe('the undelivered row', () => {
  test('goes with the first owing commit, and not with the others while the actor is busy (M5)', async () => {
    const rig = rigged()
    await rig.post.note()
    for (let i = 0; i < 3; i++) await rig.post.send()
    expect(rowsWritten(rig)).toEqual([false, true, false, false])
    expect([...rig.store.undelivered.values()]).toEqual([
      { actor: { kind: 'post', key: '1', shard: expect.any(Number) }, epoch: 1 },
    ])
  })

  test('is removed once the actor is idle and settled (E2), and written again for the next', async () => {
    const rig = rigged()
    await rig.post.send()
    await rig.clock.advance(6_000)
    expect(rig.store.undelivered.size).toBe(0)
    await rig.post.send()
    expect(rig.store.undelivered.size).toBe(1)
    expect(rowsWritten(rig)).toEqual([true, true])
  })

  test('stays while the actor is not settled', async () => {
    const rig = rigged()
    rig.world.delivers = false
    await rig.post.send()
    await rig.clock.advance(15_000)
    expect(rig.store.undelivered.size).toBe(1)
  })

  test('is written again when its removal has been sent, however long that takes (E2)', async () => {
    const rig = rigged()
    await rig.post.send()
    let removed = () => {}
    rig.store.fate = (operation) =>
      operation === 'remove' ? new Promise((resolve) => (removed = () => resolve('ok'))) : 'ok'
    await rig.clock.advance(6_000)
    await rig.post.send()
    expect(rowsWritten(rig)).toEqual([true, true])
    removed()
  })

  test('is written by each activation for itself', async () => {
    const rig = rigged()
    rig.world.delivers = false
    await rig.post.send()
    rig.store.fate = (operation) => (operation === 'commit' ? 'unavailable' : 'ok')
    await rig.post.send().catch(errorCode)
    rig.store.fate = () => 'ok'
    await rig.post.send()
    expect(rowsWritten(rig)).toEqual([true, true])
  })
})

describe('what was committed and not delivered', () => {
  test('is resumed by the first sweep after a crash, without a call (E1)', async () => {
    const before = rigged()
    before.world.delivers = false
    await before.post.send()
    const after = rigged({ store: before.store, ownership: new SoloOwnership(2), clock: before.clock })
    await after.system.start()
    expect(after.world.resumed).toBe(1)
    expect(after.store.journal('post/1').entries).toHaveLength(2)
    await after.clock.advance(6_000)
    expect(after.store.undelivered.size).toBe(0)
    await after.system.stop()
  })

  test('is resumed by a later sweep, when its row landed after the first (E1)', async () => {
    const rig = rigged()
    await rig.system.start()
    rig.world.delivers = false
    await rig.post.send()
    rig.world.delivers = true
    await rig.clock.advance(21_000)
    expect(rig.world.resumed).toBeGreaterThan(0)
    await rig.clock.advance(6_000)
    expect(rig.store.undelivered.size).toBe(0)
    await rig.system.stop()
  })

  test('is resumed by an activation that a call caused; one that is settled is not resumed', async () => {
    const rig = rigged()
    rig.world.delivers = false
    await rig.post.send()
    rig.ownership.epoch = 2
    rig.world.delivers = true
    await rig.post.note()
    await settled()
    expect(rig.world.resumed).toBe(1)
    rig.ownership.epoch = 3
    await rig.post.note()
    await settled()
    expect(rig.world.resumed).toBe(1)
  })

  test('a stale row of a settled actor is removed by the sweep that finds it', async () => {
    const rig = rigged()
    rig.store.undelivered.set('post/1/0', { actor: { kind: 'post', key: '1', shard: 3 }, epoch: 0 })
    await rig.system.start()
    await rig.clock.advance(6_000)
    expect(rig.store.undelivered.size).toBe(0)
    expect(rig.world.resumed).toBe(0)
    await rig.system.stop()
  })
})
