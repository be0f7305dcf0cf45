/** What is over when a shard has changed hands: activations, epochs, turns of the runtime's own. */
import { describe, expect, test } from 'vitest'
import { ActorError, errorCode } from './index.js'
import { type Fate, settled } from './testing/index.js'
import { idIn, idsIn, keeper, OWED, outcomes, RESUMED, RUNG, town } from './testing/keeper.js'

describe('a node whose lease was revoked', () => {
  test('abandons all at once, tells what is true, and takes shards again under new epochs', async () => {
    const { cluster, clock, gates } = town()
    const { system, ownership } = cluster.at('a')
    const there = cluster.at('c').system
    const [one, two, three, four] = idsIn(0, 4) as [number, number, number, number]
    let isStored = false
    cluster.store.fate = async (operation, actor): Promise<Fate> => {
      if (operation === 'commit' && actor.key === String(four)) await gates.pass('commit')
      return 'ok'
    }
    const calls = outcomes([
      keeper(system, one).addAt('turn', 1),
      keeper(system, one).add(2),
      keeper(system, two).slowKept('read'),
      keeper(system, three).addLater('later', 1),
      keeper(system, four)
        .add(1)
        .then(() => (isStored = true)),
      keeper(there, four).kept(),
    ])
    await clock.advance(5)
    ownership.hasLease = false
    cluster.give([0, 3, 6, 9, 12, 15], 'b')
    system.abandon()
    expect(system.health.residents()).toBe(0)
    await clock.advance(300)
    for (const gate of ['turn', 'read', 'later', 'commit']) gates.open(gate)
    await clock.advance(300)
    expect(await calls).toEqual(['NOT_OWNER', 1, 'NOT_OWNER', 'OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', []])
    expect(isStored).toBe(false)
    // It joins again.
    ownership.hasLease = true
    await Promise.all([cluster.move([0], 'a'), clock.advance(50)])
    expect(await keeper(system, one).add(3)).toBe(2)
    expect(cluster.store.opens.at(-1)?.epoch).toBe(cluster.epochOf(0))
    expect(cluster.store.journal(`keeper/${one}`).writer?.epoch).toBe(3)
  })

  test('answers nothing that ended later under its epoch, also outside of turns', async () => {
    const { cluster, clock, gates } = town()
    const later = outcomes([keeper(cluster.at('a').system, idIn(0)).addLater('later', 1)])
    await settled()
    cluster.give([0], 'b')
    await clock.advance(10)
    gates.open('later')
    await clock.advance(10)
    expect(await later).toEqual(['OUTCOME_UNKNOWN'])
    expect(cluster.store.journal(`keeper/${idIn(0)}`).entries).toHaveLength(1)
  })

  test('ends a release that is under way', async () => {
    const { cluster, clock } = town()
    const { system, ownership } = cluster.at('a')
    const call = outcomes([keeper(system, idIn(0)).addAt('never', 1)])
    await settled()
    const moved = cluster.move([0], 'b', 60_000)
    await clock.advance(50)
    ownership.hasLease = false
    system.abandon()
    await clock.advance(50)
    await moved
    expect(await call).toEqual(['NOT_OWNER'])
  })
})

describe('what an overtaken actor sends', () => {
  test('is refused with OVERTAKEN or dropped by who knows a newer epoch, and taken by who is merely behind', async () => {
    const { cluster, clock, gates } = town(['a', 'b', 'c'])
    const got: string[] = []
    for (const node of ['a', 'b', 'c']) cluster.at(node).system.receive('sink', () => got.push(node))
    const { system } = cluster.at('c')
    const id = idIn(2)
    await keeper(system, id).tellLater(idIn(1), 'call')
    await keeper(system, id).frameLater('frame')
    await settled()
    // b learns of the new epoch first; a and the sender itself do not.
    cluster.at('b').ownership.learn(
      100,
      [...Array(16).keys()].map((shard) => ({ owner: 'b', epoch: shard === 2 ? 2 : 1 })),
    )
    gates.open('call')
    gates.open('frame')
    await clock.advance(20)
    expect(got).toEqual(['a'])
    expect(cluster.at('b').counts.overtakenFrames).toBe(1)
    expect(cluster.frames[0]?.frame.from).toEqual([1, 2])
    expect(cluster.sent.at(-1)).toContain('c>b')
    expect(cluster.at('c').log.lines.some(({ fields }) => errorCode(fields.error) === 'OVERTAKEN')).toBe(true)
    expect(cluster.store.journals.has(`keeper/${idIn(1)}`)).toBe(false)
  })

  test('does not leave when its own node knows better', async () => {
    const { cluster, clock, gates } = town()
    const got: string[] = []
    cluster.at('a').system.receive('sink', () => got.push('a'))
    const { system, counts } = cluster.at('a')
    await keeper(system, idIn(0)).tellLater(idIn(3), 'call')
    await keeper(system, idIn(0)).frameLater('frame')
    cluster.give([0], 'b')
    await clock.advance(20)
    gates.open('call')
    gates.open('frame')
    await clock.advance(20)
    expect([got, counts.overtakenFrames, cluster.frames]).toEqual([[], 2, []])
    expect(await keeper(system, idIn(3)).kept()).toEqual([])
  })
})

describe("turns of the runtime's own", () => {
  test('run on the node that owns the shard, or not at all', async () => {
    const { cluster, clock } = town(['a', 'b'], { limits: { sweepEveryMs: 10_000 } })
    for (const { system } of cluster.nodes.values()) await system.start()
    const { system } = cluster.at('a')
    const id = idIn(0)
    await keeper(system, id).remind(clock.now() + 1_000)
    await keeper(system, id).tickIn(500)
    await keeper(system, id).add(OWED)
    // Nobody knows an owner when they come due.
    cluster.give([0], undefined)
    await clock.advance(5_000)
    cluster.give([0], 'b')
    await clock.advance(500)
    const kept = keeper(system, id).kept()
    await clock.advance(50)
    expect([...(await kept)].sort((x, y) => x - y)).toEqual([OWED, RESUMED, RUNG])
    expect(cluster.sent).toEqual([`a>b keeper/${id}.kept`])
  })

  test('find what is undelivered and due in newly opened shards only, again after an error, and beside a slow sweep', async () => {
    const { cluster, clock, gates } = town(['a', 'b'], { limits: { sweepEveryMs: 1_000_000 } })
    const swept: string[] = []
    let failures = 0
    const { store } = cluster
    store.handsOver = false
    const { sweepUndelivered } = store
    store.sweepUndelivered = async (shards, visit) => {
      swept.push(`${shards.from}-${shards.to}`)
      if (shards.from === 2 && failures-- > 0) throw new ActorError('STORE_UNAVAILABLE', 'not now')
      return sweepUndelivered.call(store, shards, visit)
    }
    const { system } = cluster.at('a')
    // What it had from the beginning is swept.
    await clock.advance(2_000)
    swept.length = 0
    failures = 2
    for (const shard of [0, 2, 4]) await keeper(system, idIn(shard)).add(OWED)
    store.fate = async (operation, actor): Promise<Fate> => {
      if (operation === 'open' && actor.shard === 0) await gates.pass('open')
      return 'ok'
    }
    await Promise.all([cluster.move([0], 'b'), clock.advance(500)])
    expect(swept).toEqual(['0-0'])
    await Promise.all([cluster.move([2, 4], 'b'), clock.advance(200)])
    const resumed = (shard: number) => store.journal(`keeper/${idIn(shard)}`).entries.length === 2
    expect([resumed(0), resumed(2), resumed(4)]).toEqual([false, false, false])
    await clock.advance(5_000)
    // Shards that lie near each other are looked through together.
    expect(swept).toEqual(['0-0', '2-4', '2-4', '2-4'])
    expect([resumed(0), resumed(2), resumed(4)]).toEqual([false, true, true])
    gates.open('open')
    await clock.advance(100)
    expect(resumed(0)).toBe(true)
  })
})
