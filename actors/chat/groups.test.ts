import { describe, expect, it } from 'vitest'
import { itemOf } from '../testing/fake-box.js'
import { draft, ORIGIN, Talk } from '../testing/talk.js'
import { type ChatId, groupChat } from './chat-id.js'
import { MAX_GROUP_MEMBERS } from './contract.js'
import { groupOfInvite } from './invite-hash.js'

const info = (talk: Talk, chat: ChatId, viewer: number) => talk.until(talk.chat(chat).group({ viewer }))
const add = (talk: Talk, chat: ChatId, by: number, user: number) =>
  talk.chat(chat).addMember({ ...talk.asked(by), user })
const remove = (talk: Talk, chat: ChatId, by: number, user: number, revokeHistory = false) =>
  talk.chat(chat).removeMember({ ...talk.asked(by), user, revokeHistory })

describe('a group', () => {
  it('is made once, with its members told', async () => {
    const talk = await Talk.start()
    const chat = groupChat(5)
    const request = { ...talk.asked(1, 'c'), title: ' Friends ', members: [2, 3, 2, 1] }
    const outcome = await talk.until(talk.chat(chat).create(request))
    expect(outcome.changes.map(itemOf)).toMatchObject([
      { type: 'message', action: { type: 'create', title: 'Friends', users: [2, 3] } },
    ])
    expect(await talk.until(talk.chat(chat).create(request))).toMatchObject({ n: outcome.n, repeated: true })
    expect(await talk.refused(talk.chat(chat).create({ ...request, op: 'd' }))).toBe('PEER_ID_INVALID')
    await talk.delivered(3, chat, outcome.n)
    const group = await info(talk, chat, 2)
    expect(group).toMatchObject({ id: 5, title: 'Friends', creator: 1, memberCount: 3, membership: 'member' })
    expect(group?.members.map(({ user, role }) => [user, role])).toEqual([
      [1, 'creator'],
      [2, 'member'],
      [3, 'member'],
    ])
    expect(await info(talk, chat, 9)).toMatchObject({ membership: 'none', members: [] })
    expect(await info(talk, groupChat(6), 1)).toBeUndefined()
  })

  it('names the device that caused an entry, also where entries stand before it that do not concern its account', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    for (const by of [1, 2, 3]) await talk.delivered(by, chat, (await talk.say(chat, by, 'hello')).n)
    await talk.until(talk.chat(chat).exportInvite({ ...talk.asked(1), revokePrevious: false }))
    const [outcome] = await talk.until(talk.chat(chat).post(draft(2, 'mine', 'own')))
    expect(outcome?.changes.map(itemOf)).toMatchObject([{ type: 'message', origin: ORIGIN }])
  })

  it('takes members in, up to its bound', async () => {
    const talk = await Talk.start()
    const members = Array.from({ length: MAX_GROUP_MEMBERS - 1 }, (_, i) => i + 10)
    const chat = await talk.group(1, members.slice(1))
    expect(await talk.refused(add(talk, chat, 9, 2))).toBe('PEER_ID_INVALID')
    expect(await talk.refused(add(talk, chat, 1, 11))).toBe('USER_ALREADY_PARTICIPANT')
    const outcome = await talk.until(add(talk, chat, 11, 10))
    expect(outcome.changes.map(itemOf)).toMatchObject([{ action: { type: 'add', users: [10] } }])
    expect(await talk.refused(add(talk, chat, 1, 3))).toBe('USERS_TOO_MUCH')
    const many = talk.chat(groupChat(7)).create({ ...talk.asked(1), title: 'Many', members: [...members, 3] })
    expect(await talk.refused(many)).toBe('USERS_TOO_MUCH')
  })

  it('lets members go: by themselves, by admins, by who invited them', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    expect(await talk.refused(remove(talk, chat, 2, 3))).toBe('CHAT_ADMIN_REQUIRED')
    await talk.until(add(talk, chat, 2, 4))
    const invited = await talk.until(remove(talk, chat, 2, 4))
    await talk.delivered(4, chat, invited.n)
    expect((await talk.box(4, chat)).at(-1)).toMatchObject({ action: { type: 'remove', user: 4 } })
    const left = await talk.until(remove(talk, chat, 3, 3))
    expect(left.changes.map(itemOf)).toMatchObject([{ action: { type: 'remove', user: 3 } }])
    expect(await info(talk, chat, 3)).toMatchObject({ membership: 'left', members: [] })
    expect(await info(talk, chat, 4)).toMatchObject({ membership: 'removed' })
    expect(await talk.refused(talk.chat(chat).post(draft(3, 'x', 'p')))).toBe('CHAT_WRITE_FORBIDDEN')
    expect(await talk.refused(talk.chat(chat).audience({ by: 3 }))).toBe('USER_NOT_PARTICIPANT')
    expect(await talk.refused(remove(talk, chat, 1, 3))).toBe('USER_NOT_PARTICIPANT')
    expect(await talk.until(talk.chat(chat).audience({ by: 1 }))).toEqual([2])
  })

  it('drops what is scheduled by who goes, and tells him; what others scheduled stays', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const schedule = (by: number) =>
      talk.until(
        talk.chat(chat).schedule({
          ...talk.asked(by),
          draft: { body: Buffer.from(`of ${by}`) },
          dueAtMs: talk.world.nowMs + 60_000,
        }),
      )
    for (const by of [1, 2, 3]) await schedule(by)
    const left = await talk.until(remove(talk, chat, 2, 2))
    expect(left.changes.map(itemOf)).toMatchObject([{ action: { type: 'remove' } }, { type: 'unschedule', ids: [2] }])
    const removal = await talk.until(remove(talk, chat, 1, 3))
    await talk.delivered(3, chat, removal.n + 1)
    expect((await talk.box(3, chat)).at(-1)).toMatchObject({ type: 'unschedule', ids: [3] })
    await talk.until(add(talk, chat, 2, 2))
    expect(await talk.until(talk.chat(chat).scheduled({ by: 2 }))).toEqual([])
    await talk.world.clock.advance(61_000)
    expect(await talk.texts(2, chat)).toEqual(['of 1'])
  })

  it('takes back who left by himself, as what he was made of, and none who was removed', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    await talk.until(remove(talk, chat, 1, 1))
    await talk.until(remove(talk, chat, 2, 2))
    const back = await talk.until(add(talk, chat, 1, 1))
    expect(back.changes.map(itemOf)).toMatchObject([{ action: { type: 'add', users: [1] } }])
    expect(await info(talk, chat, 1)).toMatchObject({ membership: 'creator', memberCount: 2 })
    expect(await talk.refused(add(talk, chat, 2, 9))).toBe('USER_NOT_PARTICIPANT')
    await talk.until(add(talk, chat, 2, 2))
    expect(await info(talk, chat, 2)).toMatchObject({ membership: 'member' })
    expect(await talk.refused(add(talk, chat, 2, 2))).toBe('USER_ALREADY_PARTICIPANT')
    await talk.until(remove(talk, chat, 1, 3))
    expect(await talk.refused(add(talk, chat, 3, 3))).toBe('USER_NOT_PARTICIPANT')
    expect(await talk.refused(add(talk, chat, 9, 9))).toBe('PEER_ID_INVALID')
  })

  it('is to those who have gone what it was then', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3, 4])
    const before = await info(talk, chat, 1)
    await talk.until(remove(talk, chat, 1, 2))
    await talk.until(talk.chat(chat).setTitle({ ...talk.asked(1), title: 'Without you' }))
    await talk.until(talk.chat(chat).setAbout({ ...talk.asked(1), about: 'our secret' }))
    await talk.until(remove(talk, chat, 3, 3))
    await talk.until(talk.chat(chat).setTitle({ ...talk.asked(1), title: 'Even fewer' }))
    const seen = async (user: number) => {
      const { title, about, memberCount, membership, members } = (await info(talk, chat, user))!
      return { title, about, memberCount, membership, members }
    }
    const nothing = { about: '', members: [] }
    expect(await seen(2)).toEqual({ ...nothing, title: before?.title, memberCount: 3, membership: 'removed' })
    expect(await seen(3)).toEqual({ ...nothing, title: 'Without you', memberCount: 2, membership: 'left' })
    expect(await seen(4)).toMatchObject({ title: 'Even fewer', about: 'our secret', memberCount: 2 })
    // Who may join again, may see what.
    const { hash } = await talk.until(talk.chat(chat).exportInvite({ ...talk.asked(1), revokePrevious: false }))
    const preview = await talk.until(talk.chat(chat).checkInvite({ by: 2, hash }))
    expect(preview).toMatchObject({ already: false, group: { title: 'Even fewer', memberCount: 2, members: [] } })
    await talk.until(talk.chat(chat).join({ ...talk.asked(2), hash }))
    expect(await seen(2)).toMatchObject({ title: 'Even fewer', memberCount: 3, membership: 'member' })
  })

  it('deletes the copies of one who is removed, if asked to', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const outcome = await talk.until(remove(talk, chat, 1, 2, true))
    await talk.delivered(2, chat, outcome.n + 1)
    const [removal, revocation] = (await talk.box(2, chat)).slice(-2)
    expect(removal).toMatchObject({ n: outcome.n, action: { type: 'remove', user: 2 } })
    // That he was removed stays to be seen.
    expect(revocation).toMatchObject({ type: 'deleteHistory', upTo: outcome.n - 1 })
    const next = await talk.say(chat, 1, 'on')
    await talk.delivered(3, chat, next.n)
    expect((await talk.box(3, chat)).map(({ type }) => type)).not.toContain('deleteHistory')
  })

  it('changes its title and description by admins, who are made by the creator', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2, 3])
    const title = (by: number, text: string) => talk.chat(chat).setTitle({ ...talk.asked(by), title: text })
    const about = (by: number, text: string) => talk.chat(chat).setAbout({ ...talk.asked(by), about: text })
    const admin = (by: number, user: number, isAdmin: boolean) =>
      talk.chat(chat).setAdmin({ ...talk.asked(by), user, admin: isAdmin })
    expect(await talk.refused(title(2, 'X'))).toBe('CHAT_ADMIN_REQUIRED')
    expect(await talk.refused(admin(2, 2, true))).toBe('CHAT_ADMIN_REQUIRED')
    expect(await talk.refused(admin(1, 9, true))).toBe('USER_NOT_PARTICIPANT')
    const { version } = (await info(talk, chat, 1)) ?? { version: 0 }
    const made = await talk.until(admin(1, 2, true))
    expect(made.changes.map(itemOf)).toMatchObject([{ type: 'groupChanged', what: 'admins', version: version + 1 }])
    expect(await talk.until(admin(1, 2, true))).toMatchObject({ n: 0 })
    expect((await talk.until(title(2, 'New'))).changes.map(itemOf)).toMatchObject([
      { action: { type: 'title', title: 'New' } },
    ])
    expect(await talk.refused(title(2, 'New '))).toBe('CHAT_NOT_MODIFIED')
    expect(await talk.refused(title(2, '  '))).toBe('CHAT_TITLE_EMPTY')
    await talk.until(about(2, 'us'))
    expect(await talk.refused(about(2, 'us'))).toBe('CHAT_ABOUT_NOT_MODIFIED')
    expect(await info(talk, chat, 3)).toMatchObject({ title: 'New', about: 'us', version: version + 3 })
    expect(await talk.refused(remove(talk, chat, 2, 1))).toBe('CHAT_ADMIN_REQUIRED')
    await talk.until(remove(talk, chat, 2, 3))
  })

  it('is joined by link, as long as the link is good', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2])
    const exported = (by: number, over: object = {}) =>
      talk.chat(chat).exportInvite({ ...talk.asked(by), revokePrevious: true, ...over })
    const join = (by: number, hash: string) => talk.chat(chat).join({ ...talk.asked(by), hash })
    expect(await talk.refused(exported(2))).toBe('CHAT_ADMIN_REQUIRED')
    const first = await talk.until(exported(1))
    expect(groupOfInvite(first.hash)).toBe(5)
    const preview = await talk.until(talk.chat(chat).checkInvite({ by: 7, hash: first.hash }))
    expect(preview).toMatchObject({ already: false, group: { title: 'A group', members: [], memberCount: 2 } })
    const joined = await talk.until(join(7, first.hash))
    expect(joined.changes.map(itemOf)).toMatchObject([{ from: 7, action: { type: 'joinByLink', inviter: 1 } }])
    expect(await talk.refused(join(7, first.hash))).toBe('USER_ALREADY_PARTICIPANT')
    const second = await talk.until(exported(1))
    expect(await talk.refused(join(8, first.hash))).toBe('INVITE_HASH_EXPIRED')
    expect(await talk.refused(join(8, second.hash.slice(0, -1)))).toBe('INVITE_HASH_INVALID')
    expect(await info(talk, chat, 1)).toMatchObject({ invite: { hash: second.hash, permanent: true } })
    const once = await talk.until(exported(1, { revokePrevious: false, usageLimit: 1 }))
    await talk.until(join(8, once.hash))
    expect(await talk.refused(join(9, once.hash))).toBe('INVITE_HASH_EXPIRED')
    const short = await talk.until(exported(1, { expiresAtMs: talk.world.nowMs + 1_000 }))
    await talk.world.clock.advance(1_001)
    expect(await talk.refused(join(9, short.hash))).toBe('INVITE_HASH_EXPIRED')
    const request = { ...talk.asked(1, 'same'), revokePrevious: false }
    const { hash } = await talk.until(talk.chat(chat).exportInvite(request))
    expect(await talk.until(talk.chat(chat).exportInvite(request))).toMatchObject({ hash })
  })

  it('is left and joined again, and its creator stays the creator', async () => {
    const talk = await Talk.start()
    const chat = await talk.group(1, [2])
    const { hash } = await talk.until(talk.chat(chat).exportInvite({ ...talk.asked(1), revokePrevious: false }))
    await talk.until(remove(talk, chat, 1, 1))
    await talk.say(chat, 2, 'alone')
    const back = await talk.until(talk.chat(chat).join({ ...talk.asked(1), hash }))
    expect(await info(talk, chat, 1)).toMatchObject({ membership: 'creator' })
    await talk.delivered(1, chat, back.n)
    expect(await talk.texts(1, chat)).toEqual([])
  })
})
