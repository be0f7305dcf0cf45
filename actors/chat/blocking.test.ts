import { describe, expect, it } from 'vitest'
import { itemOf } from '../testing/fake-box.js'
import { ORIGIN, Talk } from '../testing/talk.js'
import { privateChat } from './chat-id.js'

const PAIR = privateChat(1, 2)

/** Two messages of 1, then 2 blocks him. */
async function blocked() {
  const talk = await Talk.start()
  const { n } = await talk.say(PAIR, 1, 'hello')
  const last = await talk.say(PAIR, 1, 'hello?')
  await talk.delivered(2, PAIR, last.n)
  const block = (isBlocked: boolean) => talk.until(talk.chat(PAIR).setBlocked({ ...talk.asked(2), blocked: isBlocked }))
  await block(true)
  const edit = (text: string) =>
    talk.until(talk.chat(PAIR).edit({ by: 1, op: talk.op(), origin: ORIGIN, target: n, body: Buffer.from(text) }))
  const react = (by: number, reaction: string) =>
    talk.until(talk.chat(PAIR).react({ ...talk.asked(by), target: n, reactions: [reaction] }))
  const pin = (pinned: boolean) =>
    talk.until(talk.chat(PAIR).pin({ ...talk.asked(1), target: n, pinned, silent: false, onlyForMe: false }))
  const reactions = async (by: number) =>
    (await talk.until(talk.chat(PAIR).reactions({ by, target: n, offset: 0, limit: 10 }))).items.map(
      ({ reaction }) => reaction,
    )
  const kinds = async (user: number) => (await talk.box(user, PAIR)).map(({ type }) => type)
  return { talk, n, block, edit, react, pin, reactions, kinds }
}

describe('one whom the other blocks', () => {
  it('edits, reacts and pins in his own box alone', async () => {
    const { talk, block, edit, react, pin, reactions, kinds } = await blocked()
    expect((await edit('you cannot stop me')).changes.map(itemOf)).toMatchObject([{ type: 'edit' }])
    expect((await react(1, '👍')).changes.map(itemOf)).toMatchObject([{ type: 'react' }])
    expect((await pin(true)).changes.map(itemOf)).toMatchObject([{ type: 'pin' }, { action: { type: 'pin' } }])
    expect((await pin(false)).changes.map(itemOf)).toMatchObject([{ type: 'pin', pinned: false }])
    expect(await reactions(1)).toEqual(['👍'])
    expect(await reactions(2)).toEqual([])
    await block(false)
    const heard = await talk.say(PAIR, 1, 'heard')
    await talk.delivered(2, PAIR, heard.n)
    expect(await kinds(2)).toEqual(['message', 'message', 'message'])
    expect(await kinds(1)).toEqual(['message', 'message', 'edit', 'react', 'pin', 'message', 'pin', 'message'])
  })

  it('unpins for himself what was pinned for both, and all of it in one step', async () => {
    const { talk, block, pin, kinds } = await blocked()
    await block(false)
    const pinned = await pin(true)
    await talk.delivered(2, PAIR, pinned.n + 1)
    await block(true)
    const before = await kinds(2)
    expect((await pin(false)).changes.map(itemOf)).toMatchObject([{ type: 'pin', pinned: false }])
    const all = await talk.until(talk.chat(PAIR).unpinAll(talk.asked(1)))
    expect(all).toMatchObject({ more: false })
    await block(false)
    const heard = await talk.say(PAIR, 1, 'heard')
    await talk.delivered(2, PAIR, heard.n)
    expect(await kinds(2)).toEqual([...before, 'message'])
  })

  it('takes no edit from a box that still lacks it, and what he edits alone goes with the message', async () => {
    const { talk, n, block, edit } = await blocked()
    await block(false)
    talk.trouble.hang.add(2)
    await edit('for both')
    await block(true)
    await edit('for me')
    talk.world.crash()
    talk.trouble.heal()
    await talk.world.start()
    await block(false)
    const heard = await talk.say(PAIR, 1, 'heard')
    await talk.delivered(2, PAIR, heard.n)
    const edits = (await talk.box(2, PAIR)).flatMap((item) =>
      item.type === 'edit' ? [Buffer.from(item.body).toString()] : [],
    )
    expect(edits).toEqual(['for both'])
    // Everyone's copy, whatever it says: deleting is not kept from who blocks.
    const gone = await talk.until(talk.chat(PAIR).delete({ ...talk.asked(1), targets: [n] }))
    await talk.delivered(2, PAIR, gone.n)
    expect((await talk.box(2, PAIR)).at(-1)).toMatchObject({ type: 'delete', targets: [n] })
    await block(true)
    const last = await talk.until(talk.chat(PAIR).delete({ ...talk.asked(1), targets: [heard.n] }))
    await talk.delivered(2, PAIR, last.n)
    expect((await talk.box(2, PAIR)).at(-1)).toMatchObject({ type: 'delete', targets: [heard.n] })
  })

  it('reacts for both when he is not blocked any more', async () => {
    const { talk, block, react, reactions } = await blocked()
    await react(1, '👍')
    await block(false)
    const again = await react(1, '👍')
    await talk.delivered(2, PAIR, again.n)
    expect((await talk.box(2, PAIR)).at(-1)).toMatchObject({ type: 'react', reactions: [{ reaction: '👍', count: 1 }] })
    expect([await reactions(1), await reactions(2)]).toEqual([['👍'], ['👍']])
  })
})
