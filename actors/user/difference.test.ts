/**
 * F2 and M1: a client that asks until it is told that there is no more is told so, whatever it keeps of what it was
 * told, in about as many calls as there are slices; and then has the state.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Difference, LaneItem } from './contract.js'
import { limits } from './limits.js'
import { AccountHost } from './testing/account.js'
import { Device, refetch } from './testing/mirror.js'
import { ME, ORIGIN, text, World } from './testing/world.js'

const PEER = { kind: 'user', id: 21 } as const

/** What happened to the account, in order. */
type Deed = 'post' | 'edit' | 'delete' | 'draft' | 'contact' | 'hidden' | { readonly passMs: number }

class Account {
  readonly host = new AccountHost()
  readonly chat = new World().chat(0)
  /** Entries that devices are told of. */
  told = 0
  #n = 0

  get user() {
    return this.host.account(ME)
  }

  async begin(): Promise<void> {
    await this.user.register({ phone: '15550001', profile: { firstName: 'Ada', lastName: '', about: '' } })
  }

  async do(deed: Deed): Promise<void> {
    if (typeof deed !== 'string') return this.host.clock.advance(deed.passMs)
    if (deed !== 'hidden') this.told++
    const head = { n: this.#n + 1, atMs: this.host.clock.now() }
    const target = Math.max(1, this.#n)
    switch (deed) {
      case 'draft':
        await this.user.saveDraft({ peer: PEER, body: text(`draft ${this.told}`), origin: ORIGIN })
        return
      case 'contact': {
        const card = { firstName: `name ${this.told}`, lastName: '', phone: '' }
        await this.user.putContacts({ contacts: [{ user: 21, card }], origin: ORIGIN })
        return
      }
      case 'post':
        return this.#deliver({ ...head, type: 'message', from: 7, body: text(`message ${head.n}`) })
      case 'edit':
        return this.#deliver({ ...head, type: 'edit', target, body: text(`edit ${head.n}`), mentioned: false })
      case 'delete':
        return this.#deliver({ ...head, type: 'delete', targets: [target, target - 1] })
      case 'hidden':
        return this.#deliver({ ...head, type: 'react', target: 9_999, reactions: [], recent: [] })
    }
  }

  async #deliver(item: LaneItem): Promise<void> {
    await this.user.deliver({ chat: this.chat.id, after: this.#n, items: [item] })
    this.#n = item.n
  }
}

/** What a client keeps of the state that it was told, to ask with the next time. */
const keeps = {
  /** mtcute: pts and date, also those between slices. */
  ptsAndDate: ({ atMs }: Difference) => Math.floor(atMs / 1000),
  /** One that stores its date at log-in, or never. */
  ptsAlone: (_: Difference, date: number) => date,
  garbage: ({ pts }: Difference, date: number) => (pts % 2 === 0 ? date : 2 ** 31 - 1 - date),
} as const

interface Start {
  readonly pts: number
  readonly date: number
  readonly limit: number
  readonly keep: keyof typeof keeps
}

/** The loop of a client: the calls that it took, and where it ended. */
async function catchUp({ user }: Account, { pts, date, limit, keep }: Start, mostCalls: number) {
  const device = Object.assign(new Device(), { pts })
  for (let calls = 1; calls <= mostCalls; calls++) {
    const answer = await user.difference({ pts: device.pts, date, limit, totalLimit: 1_000_000 })
    if (answer.kind === 'tooLong') return { calls, device: Object.assign(device, { pts: answer.pts }) }
    await device.take(user, answer)
    date = keeps[keep](answer, date)
    if (answer.kind !== 'slice') return { calls, device }
  }
  throw new Error(`${mostCalls} slices from ${pts} are no end`)
}

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Deed>('post') },
  { weight: 2, arbitrary: fc.constantFrom<Deed>('edit', 'delete', 'contact', 'hidden') },
  { weight: 6, arbitrary: fc.constant<Deed>('draft') },
  { weight: 1, arbitrary: fc.nat(2_000_000).map((passMs) => ({ passMs })) },
)
const start = fc.record({
  pts: fc.oneof(fc.constant(0), fc.nat(60), fc.nat(2 ** 31 - 1)),
  date: fc.oneof(fc.constant(0), fc.integer({ min: 1_699_999_990, max: 1_700_010_000 }), fc.nat(2 ** 31 - 1)),
  limit: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(2_000)),
  keep: fc.constantFrom(...(Object.keys(keeps) as (keyof typeof keeps)[])),
})

describe('the loop of a client', () => {
  test('ends, whatever pts and date it asks with, and from an empty state ends with the whole one', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { maxLength: 60, size: 'max' }),
        fc.array(start, { minLength: 1, maxLength: 6 }),
        async (deeds, starts) => {
          const account = new Account()
          await account.begin()
          for (const each of deeds) await account.do(each)
          const { pts } = await account.user.boxState()
          for (const each of starts) {
            const mostCalls = Math.ceil(account.told / Math.max(each.limit, 1)) + 2
            const { device } = await catchUp(account, each, mostCalls)
            expect(device.pts).toBe(pts)
            if (each.pts !== 0 || each.keep === 'garbage' || each.date > 1_699_999_999) continue
            expect(device.shown()).toEqual((await refetch(account.user)).shown())
          }
          await account.host.stop()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('is told thousands of changes without a number in slices, and one that keeps no date comes to their end', async () => {
    const account = new Account()
    await account.begin()
    await account.do('post')
    const changes = 2 * limits.underANumber + 500
    for (let i = 0; i < changes; i++) await account.do(i % 2 === 0 ? 'draft' : 'contact')
    await account.do({ passMs: 5_000_000 })
    for (const keep of ['ptsAndDate', 'ptsAlone'] as const) {
      const { calls, device } = await catchUp(account, { pts: 0, date: 0, limit: 1, keep }, 10)
      expect(calls).toBe(3)
      expect(device.shown()).toEqual((await refetch(account.user)).shown())
    }
    const fresh = await catchUp(account, { pts: 3, date: 0, limit: 1, keep: 'ptsAlone' }, 10)
    expect(fresh.calls).toBe(1)
  })

  test('is not held up by what is hidden, and reads of it so much at most', async () => {
    const account = new Account()
    await account.begin()
    for (let i = 0; i < limits.underANumber * 2 + 10; i++) await account.do('hidden')
    expect((await account.user.boxState()).pts).toBe(2)
    const { calls, device } = await catchUp(account, { pts: 0, date: 0, limit: 1, keep: 'ptsAlone' }, 10)
    expect([calls, device.pts]).toEqual([1, 2])
  })

  test('gets large bodies in slices of bounded size', async () => {
    const account = new Account()
    await account.begin()
    const body = new Uint8Array(60_000)
    const items = Array.from({ length: 60 }, (_, at) => {
      return { n: at + 1, atMs: 1, type: 'message', from: 7, body } as const
    })
    await account.user.deliver({ chat: account.chat.id, after: 0, items })
    const answer = await account.user.difference({ pts: 0, date: 0, limit: 1_000, totalLimit: 10_000 })
    if (answer.kind !== 'slice') throw new Error(answer.kind)
    const bytes = answer.messages.reduce((sum, message) => sum + message.body.length, 0)
    expect(bytes).toBeLessThan(limits.differenceBytes + body.length)
    expect(answer.messages.length).toBeGreaterThan(30)
  })
})

describe('a milestone', () => {
  test('is pushed like other numbers', async () => {
    const account = new Account()
    await account.begin()
    await account.host.attach(ME, 0)
    for (let i = 0; i <= limits.underANumber; i++) await account.do('draft')
    const told = account.host.pushed.flatMap(({ changes }) =>
      changes.map(({ pts, count, fact }) => [pts, count, fact.type]),
    )
    expect(told.slice(told.findIndex(([, count]) => count === 1) - 1).slice(0, 3)).toEqual([
      [0, 0, 'draft'],
      [1, 1, 'milestone'],
      [1, 0, 'draft'],
    ])
  })
})
