/** A client that was away catches up by difference, as mtcute does it by itself. GramJS fetches no differences. */
import { MemoryStorage } from '@mtcute/node'
import { beforeAll, describe, expect, test } from 'vitest'
import { RawClient, RawRefusal, type TlObject } from '../harness/index.js'
import { changeAccount } from './account-acts.js'
import type { Device, Peer } from './device.js'
import { type MtcuteDevice, mtcuteDevice } from './mtcute-device.js'
import { Replica } from './replica.js'
import { eventsOf, stage, told } from './stage.js'

const on = stage()
let bob: MtcuteDevice
let toBob: string

beforeAll(async () => {
  bob = await on.mtcute()
  toBob = `bobby_${bob.phone}`
  await bob.setUsername(toBob)
})

/** Alice, who knows Bob, and has heard from him once; then gone. */
async function awayAlice() {
  const storage = new MemoryStorage()
  const phone = on.newPhone()
  const alice = await mtcuteDevice(on.server, { phone, storage })
  const name = `alice_${phone}`
  await alice.setUsername(name)
  await alice.send(toBob, 'hello')
  await bob.send(name, 'before')
  await told(alice, 'message', ({ message }) => message.text === 'before')
  const before = await alice.history(toBob)
  await alice.client.disconnect() // the update state is stored on the way out
  return {
    name,
    before,
    /** As the same device, by the storage that it left. */
    async back(): Promise<MtcuteDevice> {
      return on.keep(await mtcuteDevice(on.server, { phone, storage, client: { updates: { catchUp: true } } }))
    },
  }
}

const textsOf = (device: Device) => eventsOf(device, 'message').map(({ message }) => message.text)

test('a few changes: each is told once, messages with their last text, without what is gone', async () => {
  const { name, before, back } = await awayAlice()
  const [heard] = before
  await bob.send(name, 'one')
  const edited = await bob.send(name, 'tow')
  await bob.edit(name, edited.id, 'two')
  const gone = await bob.send(name, 'gone')
  await bob.delete(name, [gone.id], { revoke: true })
  await bob.send(name, 'three')
  const mine = (await bob.history(name)).find(({ text }) => text === 'before')!
  await bob.edit(name, mine.id, 'before, edited')
  await bob.read(name, 0)

  const alice = await back()
  await told(alice, 'message', ({ message }) => message.text === 'three')
  await told(alice, 'edit', ({ message }) => message.text === 'before, edited' && message.id === heard!.id)
  await told(alice, 'read', ({ by }) => by === 'other')
  await bob.send(name, 'live again')
  await told(alice, 'message', ({ message }) => message.text === 'live again')
  expect(textsOf(alice)).toEqual(['one', 'two', 'three', 'live again'])
})

test('many changes, in several slices: every message once, in order', async () => {
  const { name, back } = await awayAlice()
  const texts = Array.from({ length: 450 }, (_, at) => `many ${at}`)
  await Promise.all(texts.map((text) => bob.send(name, text)))
  const alice = await back()
  await told(alice, 'message', ({ message }) => message.text === texts.at(-1))
  await bob.send(name, 'live again')
  await told(alice, 'message', ({ message }) => message.text === 'live again')
  expect(textsOf(alice)).toEqual([...texts, 'live again'])
})

test('more than 1,000 changes: told that it is too long, it takes the new state, and the history has all', async () => {
  const { name, back } = await awayAlice()
  const texts = Array.from({ length: 100 }, (_, at) => `original ${at}`)
  const saved = await Promise.all(texts.map((text) => bob.send('me', text)))
  const ids = saved.map(({ id }) => id)
  for (let round = 0; round < 11; round++) await bob.forward('me', ids, name)
  const alice = await back()
  await bob.send(name, 'live again')
  await told(alice, 'message', ({ message }) => message.text === 'live again')
  // None of the skipped ones is told late, out of order or twice.
  const told1100 = textsOf(alice).filter((text) => text.startsWith('original'))
  expect(told1100).toEqual([])
  const history = (await alice.history(toBob, 2_000)).map(({ text }) => text).reverse()
  expect(history).toEqual(['hello', 'before', ...Array.from({ length: 11 }, () => texts).flat(), 'live again'])
})

describe.each([167, 228])('a client of layer %i', (layer) => {
  test('old state + difference = refetched state, whatever happened meanwhile, in slices of any size', async () => {
    const seed = Date.now() % 2 ** 31
    const { phone } = bob
    const raw = on.keep(await RawClient.connect(on.server, { layer }))
    await raw.logIn(phone)
    const carol = await on.mtcute()
    const name = `carol_${carol.phone}`
    await carol.setUsername(name)
    const group = await bob.createGroup('three', [name])
    const dice = diceOf(seed)
    const found = (await raw.call({ _: 'contacts.resolveUsername', username: name })) as { users: TlObject[] }
    const friend = { _: 'inputPeerUser', userId: carol.self, accessHash: found.users[0]!.accessHash }
    const around = { friend, group: -group }
    for (let round = 0; round < 6; round++) {
      const old = await Replica.fetched(raw)
      for (let step = 0; step < 30; step++) {
        const acting = dice(3) === 0 ? changeAccount(dice, raw, around) : act(dice, carol, group, name)
        await acting.catch(isRefusal)
      }
      const slices = await old.catchUp(raw, [1_000, 7, 1][round % 3]!)
      expect(slices).toBeGreaterThan(0)
      const fresh = await Replica.fetched(raw)
      expect(old.pts, `seed ${seed}`).toBe(fresh.pts)
      expect(old.shown(), `seed ${seed}`).toEqual(fresh.shown())
      for (const [whose, shown] of fresh.names) expect(old.names.get(whose), `seed ${seed}, ${whose}`).toEqual(shown)
    }
  })
})

/** One random act of Bob or of Carol that changes something of what Bob's other device has. */
async function act(dice: (sides: number) => number, carol: Device, group: number, carolName: string): Promise<void> {
  const isBob = dice(2) === 0
  const actor = isBob ? bob : carol
  const place = dice(3) === 0 ? group : isBob ? carolName : toBob
  const recent = await actor.history(place, 8)
  const message = recent[dice(Math.max(1, recent.length))]
  const target = message && message.action === undefined ? message : undefined
  const text = `act ${dice(1_000_000)}`
  switch (dice(13)) {
    case 11:
      await actor.send(place, text, { at: later(dice), ...(target && { replyTo: target.id }) })
      return
    case 12:
      return settleOrChange(dice, actor, place, text)
    case 0:
      return target && actor.delete(place, [target.id], { revoke: dice(2) === 0 })
    case 1:
      return actor.read(place, recent[0]?.id ?? 0)
    case 2:
      if (target) await actor.react(place, target.id, [undefined, '👍', '🔥'][dice(3)])
      return
    case 3:
      if (target) await actor.pin(place, target.id, dice(3) > 0)
      return
    case 4:
      return actor.saveDraft(place, dice(2) === 0 ? '' : text)
    case 5:
      return actor.pinDialog(place, dice(2) === 0)
    case 6:
      if (target?.out && !target.isForward) await actor.edit(place, target.id, text)
      return
    case 7:
      if (target) await actor.forward(place, [target.id], place)
      return
    default:
      await actor.send(place, text, target && dice(3) === 0 ? { replyTo: target.id } : {})
  }
}

/** In an hour at the earliest: nothing is due while states are compared. */
function later(dice: (sides: number) => number): number {
  return Math.floor(Date.now() / 1000) + 3600 + dice(1000)
}

async function settleOrChange(
  dice: (sides: number) => number,
  actor: Device,
  place: Peer,
  text: string,
): Promise<void> {
  const waiting = await actor.scheduled(place)
  const one = waiting[dice(Math.max(1, waiting.length))]
  if (!one) return
  const how = dice(4)
  if (how < 2) await actor.settleScheduled(place, [one.id], how === 0 ? 'send' : 'delete')
  else await actor.reschedule(place, one.id, later(dice), how === 2 ? text : undefined)
}

/** An act that makes no sense now, such as unpinning what is not pinned. */
function isRefusal(error: unknown): void {
  if (error instanceof RawRefusal && Math.floor(error.code / 100) === 4) return
  if (!String(error).includes('API error 40')) throw error
}

function diceOf(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}
