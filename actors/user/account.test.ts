/** Names, devices, live sessions and presence of an account. */
import { describe, expect, test } from 'vitest'
import type { Authorization } from './changes.js'
import { relationsOf } from './contacts.js'
import type { PushFrame } from './contract.js'
import { limits } from './limits.js'
import { applyEntry, emptyUser } from './state.js'
import { AccountHost } from './testing/account.js'
import { encodedBytes } from './testing/encoded-bytes.js'
import { ME, ORIGIN, text, World } from './testing/world.js'

const PROFILE = { firstName: 'Ada', lastName: 'L', about: '' }
const key = (digit: number) => String(digit).repeat(16)

function device(digit: number): Authorization {
  return {
    authKey: key(digit),
    hash: `f${digit}`,
    createdAtMs: 1_700_000_000_000,
    activeAtMs: 1_700_000_000_000 + digit,
    layer: 214,
    apiId: 1,
    deviceModel: 'desk',
    systemVersion: '1',
    appVersion: '1',
    langCode: 'en',
    address: '192.0.2.1',
  }
}

async function registered() {
  const host = new AccountHost()
  const user = host.account(ME)
  await user.register({ phone: '15550001', profile: PROFILE, homeDc: 2 })
  // By then it is noted that the public records are written.
  await host.clock.advance(1_000)
  return { host, user, chat: new World().chat(0) }
}

const refused = (reason: string) => ({ code: 'REFUSED', details: { reason } })

describe('a login that is carried over', () => {
  test('is taken by one auth key, as often as it asks, until its end', async () => {
    const { host, user } = await registered()
    await user.authorize(device(1))
    const untilMs = host.clock.now() + 1_000
    const offer = (transfer: string, from = key(1)) => user.offerTransfer({ transfer, from, untilMs })
    const take = (transfer: string, by: number) => user.takeTransfer({ transfer, by: key(by) })
    await offer('one')
    await offer('two')
    await offer('of a stranger', key(9))
    expect(await take('one', 2)).toBe(true)
    expect(await take('one', 3)).toBe(false)
    expect(await take('one', 2)).toBe(true)
    expect(await take('never offered', 2)).toBe(false)
    expect(await take('of a stranger', 2)).toBe(false)
    await host.clock.advance(1_001)
    expect(await take('two', 2)).toBe(false)
    for (let each = 0; each <= limits.transfers; each++) {
      await user.offerTransfer({ transfer: `${each}`, from: key(1), untilMs: untilMs + 60_000 })
    }
    expect([await take('0', 2), await take('1', 2)]).toEqual([false, true])
    await user.revoke({ authKeys: [key(1)] })
    expect(await take('2', 2)).toBe(false)
    await host.stop()
  })
})

describe('an account', () => {
  test('is registered once', async () => {
    const { user } = await registered()
    const again = user.register({ phone: '15550002', profile: PROFILE })
    await expect(again).rejects.toMatchObject(refused('PHONE_NUMBER_OCCUPIED'))
    expect(await user.profile()).toMatchObject({ ...PROFILE, id: ME, phone: '15550001', username: '', closed: false })
    expect(await user.settleName({ kind: 'phone', name: '15550001', token: 1 })).toBe('held')
    expect(await user.settleName({ kind: 'phone', name: '15550002', token: 1 })).toBe('void')
  })

  test('is never registered after its reservation was settled as void (N2)', async () => {
    const host = new AccountHost()
    const user = host.account(ME)
    expect(await user.profile()).toBeUndefined()
    expect(await user.settleName({ kind: 'phone', name: '15550001', token: 1 })).toBe('void')
    await host.crash()
    const late = host.account(ME).register({ phone: '15550001', profile: PROFILE })
    await expect(late).rejects.toMatchObject(refused('PHONE_NUMBER_OCCUPIED'))
  })

  test('takes a username under a token, and never under one that was voided (N1)', async () => {
    const { host, user } = await registered()
    expect(await user.settleName({ kind: 'username', name: 'ada_l', token: 4 })).toBe('void')
    await host.restart()
    const again = host.account(ME)
    const late = again.setUsername({ username: 'Ada_L', token: 4, origin: ORIGIN })
    await expect(late).rejects.toMatchObject(refused('USERNAME_OCCUPIED'))
    // Tokens are those of one username: the same number is good for another.
    const set = await again.setUsername({ username: 'lovelace', token: 4, origin: ORIGIN })
    expect(set).toMatchObject({ previous: '', profile: { username: 'lovelace' } })
    expect(await again.settleName({ kind: 'username', name: 'lovelace', token: 4 })).toBe('held')
    const next = { username: 'Ada_L', token: 5, origin: ORIGIN }
    const taken = await again.setUsername(next)
    expect(taken).toMatchObject({ previous: 'lovelace', profile: { username: 'Ada_L' } })
    expect(await again.setUsername(next)).toEqual(taken)
    expect(await again.settleName({ kind: 'username', name: 'lovelace', token: 4 })).toBe('void')
    expect(host.broadcast.filter(({ sink }) => sink === 'profile')).toHaveLength(2)
  })

  test('that is closed keeps its box and nothing of its owner', async () => {
    const { host, user, chat } = await registered()
    await user.authorize(device(1))
    await user.putContacts({
      contacts: [{ user: 9, card: { firstName: 'B', lastName: '', phone: '' } }],
      origin: ORIGIN,
    })
    await user.saveDraft({ peer: chat.peer, body: text('unsent'), origin: ORIGIN })
    const closed = await user.close()
    expect(closed).toEqual({ phone: '15550001', username: '', revoked: [key(1)] })
    expect(host.broadcast).toContainEqual({ sink: 'revoked', payload: { user: ME, authKeys: [key(1)] } })
    expect(await user.profile()).toMatchObject({ firstName: '', phone: '', closed: true })
    expect([await user.contacts(), await user.drafts(), await user.authorizations()]).toEqual([[], [], []])
    expect(await user.close()).toEqual({ ...closed, revoked: [] })
    await expect(user.authorize(device(2))).rejects.toMatchObject(refused('USER_DEACTIVATED'))
    chat.write([{ type: 'message', from: 7, body: text('still comes') }], host.clock.now())
    await chat.deliver(user, 0)
    expect(await user.lane(chat.id)).toBe(1)
  })

  test('that is idle takes at most 1 KiB of state', () => {
    const at = { pts: 0, ordinal: 1, count: 0, atMs: 1 }
    let state = emptyUser(ME)
    state = applyEntry(state, { type: 'registered', phone: '15550001', profile: PROFILE }, at)
    state = applyEntry(state, { type: 'authorized', authorization: device(1) }, at)
    expect(encodedBytes(state)).toBeLessThan(1_024)
    expect(Object.values(state).filter((value) => value instanceof Map)).toEqual([])
  })
})

describe('devices', () => {
  test('are signed out by key, by hash, or all but one, and gateways are told', async () => {
    const { host, user } = await registered()
    for (const digit of [1, 2, 3, 4, 5]) await user.authorize(device(digit))
    expect(await user.revoke({ authKeys: [key(1), key(9)] })).toEqual([key(1)])
    expect(await user.revoke({ hash: 'f2' })).toEqual([key(2)])
    expect(await user.revoke({ allExcept: key(4) })).toEqual([key(3), key(5)])
    expect(await user.revoke({ hash: 'f2' })).toEqual([])
    expect((await user.authorizations()).map(({ authKey }) => authKey)).toEqual([key(4)])
    expect([await user.isAuthorized(key(4)), await user.isAuthorized(key(1))]).toEqual([true, false])
    expect(host.broadcast.map(({ payload }) => (payload as { authKeys: string[] }).authKeys)).toEqual([
      [key(1)],
      [key(2)],
      [key(3), key(5)],
    ])
  })

  test('write what they acknowledge at most once a minute, and when the gateway goes', async () => {
    const { host, user, chat } = await registered()
    await user.authorize(device(1))
    chat.write(
      Array.from({ length: 9 }, () => ({ type: 'message', from: 7, body: text('x') }) as const),
      host.clock.now(),
    )
    await chat.deliver(user, 0)
    const written = () => host.store.journal(`user/${ME}`).entries.length
    const before = written()
    for (const pts of [1, 2, 3, 99]) await user.acknowledged({ devices: [{ authKey: key(1), pts }] })
    expect(written()).toBe(before + 1)
    expect(await user.deliveredTo()).toEqual([{ authKey: key(1), pts: 3 }])
    await user.detach({ gateway: host.node })
    expect(written()).toBe(before + 2)
    await user.acknowledged({ devices: [{ authKey: key(1), pts: 4 }] })
    await host.clock.advance(60_000)
    await user.acknowledged({ devices: [{ authKey: key(1), pts: 7 }] })
    expect(written()).toBe(before + 3)
    await host.restart()
    expect(await host.account(ME).deliveredTo()).toEqual([{ authKey: key(1), pts: 7 }])
  })

  test('are shown with their newest activity, which is written coarsely', async () => {
    const { host, user } = await registered()
    await user.authorize({ ...device(1), activeAtMs: host.clock.now() })
    const written = () => host.store.journal(`user/${ME}`).entries.length
    const before = written()
    await host.clock.advance(120_000)
    await user.touch({ authKey: key(1), layer: 214, address: '192.0.2.1' })
    expect(written()).toBe(before)
    expect((await user.authorizations())[0]?.activeAtMs).toBe(host.clock.now())
    await user.touch({ authKey: key(1), layer: 215, address: '192.0.2.2' })
    expect(written()).toBe(before + 1)
    expect(await user.authorizations()).toMatchObject([{ layer: 215, address: '192.0.2.2' }])
  })
})

describe('live sessions', () => {
  const contents = (count: number) =>
    Array.from({ length: count }, () => ({ type: 'message', from: 7, body: text('x') }) as const)

  test('get what follows their pts, then every change in order (L1), until the lease ends (L3)', async () => {
    const { host, user, chat } = await registered()
    await user.authorize(device(1))
    chat.write(contents(3), host.clock.now())
    await chat.deliver(user, 0)
    const request = { gateway: host.node, authKeys: [key(1), key(2)], lastPts: 1, leaseMs: 60_000 }
    const answer = await user.attach(request)
    expect(answer).toMatchObject({ pts: 3, unauthorized: [key(2)] })
    expect(answer.following?.map(({ pts, fact }) => [pts, fact.type])).toEqual([
      [2, 'message'],
      [3, 'message'],
    ])
    chat.write(contents(2), host.clock.now())
    await chat.deliver(user, 0)
    await user.saveDraft({ peer: chat.peer, body: text('draft'), origin: ORIGIN })
    await host.clock.advance(1)
    const told = host.pushed.map(({ afterPts, changes }: PushFrame) => [afterPts, changes.map(({ pts }) => pts)])
    expect(told).toEqual([
      [3, [4, 5]],
      [5, [5]],
    ])
    expect(host.pushed[1]?.changes[0]?.origin).toEqual(ORIGIN)
    await host.clock.advance(60_000)
    chat.write(contents(1), host.clock.now())
    await chat.deliver(user, 0)
    await host.clock.advance(1)
    expect(host.pushed).toHaveLength(2)
  })

  test('are told to fetch the difference when too much follows, or their pts is above ours (D6)', async () => {
    const { host, user, chat } = await registered()
    chat.write(contents(300), host.clock.now())
    await chat.deliver(user, 0)
    expect(await host.attach(ME, 50)).toMatchObject({ pts: 300, following: undefined })
    expect(await host.attach(ME, 301)).toMatchObject({ pts: 300, following: undefined })
    expect(await host.attach(ME, -1)).toMatchObject({ pts: 300, following: [] })
    expect(await host.attach(ME, 300)).toMatchObject({ pts: 300, following: [] })
    const above = await user.difference({ pts: 301, date: 0, limit: 10, totalLimit: 1_000 })
    expect(above).toMatchObject({ kind: 'tooLong', pts: 300 })
    expect(await user.difference({ pts: 0, date: 0, limit: 10, totalLimit: 299 })).toMatchObject({
      kind: 'tooLong',
      pts: 300,
    })
    expect(await user.difference({ pts: 0, date: 0, limit: 10, totalLimit: 300 })).toMatchObject({
      kind: 'slice',
      pts: 10,
    })
  })

  test('are at one gateway: who attaches one that was elsewhere has the others told (L4)', async () => {
    const { host, user } = await registered()
    const attach = (gateway: string, arrived?: readonly string[]) =>
      user.attach({ gateway, authKeys: [key(1)], lastPts: -1, leaseMs: 60_000, ...(arrived && { arrived }) })
    await attach(host.node)
    await attach('gateway-2')
    await attach('gateway-2', ['aa', 'bb'])
    await host.clock.advance(1)
    expect(host.broadcast).toEqual([{ sink: 'moved', payload: { user: ME, sessions: ['aa', 'bb'] } }])
    await attach(host.node, ['cc'])
    await host.clock.advance(1)
    expect(host.broadcast.length).toBe(1)
  })

  test('of a device that was elsewhere get what it has not acknowledged, when that is known', async () => {
    const { host, user, chat } = await registered()
    await user.authorize(device(1))
    chat.write(contents(4), host.clock.now())
    await chat.deliver(user, 0)
    const attach = async (replayFor: string, gateway = 'second') => {
      const request = { gateway, authKeys: [key(1)], lastPts: -1, replayFor, leaseMs: 60_000 }
      const { following, pts } = await user.attach(request)
      return { pts, following: following?.map((change) => change.pts) }
    }
    expect(await attach(key(1), 'first')).toEqual({ pts: 4, following: [] })
    await user.acknowledged({ devices: [{ authKey: key(1), pts: 2 }] })
    // It was here all the time.
    expect(await attach(key(1), 'first')).toEqual({ pts: 4, following: [] })
    expect(await attach(key(1))).toEqual({ pts: 4, following: [3, 4] })
    expect(await attach(key(2))).toEqual({ pts: 4, following: [] })
    await user.detach({ gateway: 'second' })
    await host.clock.advance(limits.goneGatewayMs - 1)
    expect(await attach(key(1), 'third')).toEqual({ pts: 4, following: [3, 4] })
    await user.detach({ gateway: 'third' })
    await host.clock.advance(limits.goneGatewayMs + 60_000)
    expect(await attach(key(1), 'fourth')).toEqual({ pts: 4, following: [] })
  })

  test('hear who types and who is online, of people that they know', async () => {
    const { host, user, chat } = await registered()
    await host.attach(ME, 0)
    const typing = { type: 'typing', chat: chat.id, by: 7, action: 'typing' } as const
    await user.hear(typing)
    chat.write(contents(1), host.clock.now())
    await chat.deliver(user, 0)
    await user.hear(typing)
    await user.hear({ type: 'presence', user: 99, presence: { kind: 'online', atMs: 1 } })
    await user.setBlocked({ user: 7, blocked: true, origin: ORIGIN })
    await user.hear(typing)
    await host.clock.advance(1)
    expect(host.pushed.flatMap(({ news }) => news ?? [])).toEqual([typing])
  })
})

describe('being blocked', () => {
  test('is known to the account alone: nobody is pushed, its relations say so, the oldest of too many is forgotten', async () => {
    const { host, user } = await registered()
    await host.attach(ME, 0)
    const note = (by: number, blocked: boolean) => user.noteBlockedBy({ user: by, blocked })
    await note(7, true)
    await note(8, true)
    await note(8, false)
    const relations = () => user.relations([7, 8])
    expect(await relations()).toEqual([
      { user: 7, blocked: false, blocksMe: true },
      { user: 8, blocked: false },
    ])
    await host.clock.advance(1)
    expect(host.pushed).toEqual([])
    const state = emptyUser(ME)
    for (let by = 1; by <= limits.blockedBy + 1; by++) {
      applyEntry(state, { type: 'blockedBy', user: by, blocked: true }, { pts: 0, ordinal: by, count: 0, atMs: 0 })
    }
    expect(relationsOf(state, [1, 2]).map(({ blocksMe }) => blocksMe)).toEqual([undefined, true])
  })
})

describe('presence', () => {
  test('is online until then, then last seen; partners that are awake hear of it', async () => {
    const { host, user, chat } = await registered()
    expect(await user.presence()).toEqual({ kind: 'empty', atMs: 0 })
    chat.write([{ type: 'message', from: 7, body: text('hello') }], host.clock.now())
    await chat.deliver(user, 0)
    const partner = host.account(7)
    await partner.register({ phone: '15550007', profile: PROFILE })
    await partner.putContacts({
      contacts: [{ user: ME, card: { firstName: 'A', lastName: '', phone: '' } }],
      origin: ORIGIN,
    })
    await host.attach(7, 0)
    const start = host.clock.now()
    await user.setPresence({ onlineUntilMs: start + 120_000 })
    expect(await user.presence()).toEqual({ kind: 'online', atMs: start + 120_000 })
    await host.clock.advance(10_000)
    await user.setPresence({ onlineUntilMs: 0 })
    expect(await user.presence()).toEqual({ kind: 'offline', atMs: start + 10_000 })
    await host.clock.advance(1)
    const heard = host.pushed.flatMap(({ user: to, news }) => (to === 7 ? (news ?? []) : []))
    expect(heard).toEqual([
      { type: 'presence', user: ME, presence: { kind: 'online', atMs: start + 120_000 } },
      { type: 'presence', user: ME, presence: { kind: 'offline', atMs: start + 10_000 } },
    ])
    await host.restart()
    expect(await host.account(ME).presence()).toMatchObject({ kind: 'offline', atMs: start })
  })

  test('of many partners it tells those with whom there was something last, whether a message or a new contact', async () => {
    const { host, user, chat } = await registered()
    const contact = (id: number) => ({ user: id, card: { firstName: `${id}`, lastName: '', phone: '' } })
    const put = (ids: readonly number[]) => user.putContacts({ contacts: ids.map(contact), origin: ORIGIN })
    await put([11])
    await host.clock.advance(1_000)
    await put(Array.from({ length: limits.toldPartners }, (_, index) => 1_000 + index))
    await host.clock.advance(1_000)
    chat.write([{ type: 'message', from: 7, body: text('hello') }], host.clock.now())
    await chat.deliver(user, 0)
    await host.clock.advance(1_000)
    await put([12])
    for (const id of [7, 11, 12]) {
      await host.account(id).register({ phone: `${id}`, profile: PROFILE })
      await host.account(id).putContacts({ contacts: [contact(ME)], origin: ORIGIN })
      await host.attach(id, 0)
    }
    await user.setPresence({ onlineUntilMs: host.clock.now() + 60_000 })
    await host.clock.advance(1)
    const told = host.pushed.filter(({ news = [] }) => news.some(({ type }) => type === 'presence'))
    expect(told.map((frame) => frame.user).sort((one, other) => one - other)).toEqual([7, 12])
  })
})

describe('public records', () => {
  test('follow the journal: names confirmed and released, the index, the row with its position', async () => {
    const { host, user } = await registered()
    const { records } = host
    expect(records.said).toEqual([`confirm phone 15550001 ${Number.MAX_SAFE_INTEGER}`])
    expect(records.rows).toMatchObject([{ id: ME, ...PROFILE, phone: '15550001', homeDc: 2, deleted: false }])
    await user.setUsername({ username: 'Ada_L', token: 4, origin: ORIGIN })
    records.said.length = 0
    await user.setUsername({ username: 'lovelace', token: 9, origin: ORIGIN })
    expect([...records.said].sort()).toEqual([
      `confirm phone 15550001 ${Number.MAX_SAFE_INTEGER}`,
      'confirm username lovelace 9',
      'index lovelace',
      'release username ada_l 4',
      'remove Ada_L',
    ])
    await user.updateProfile({ profile: { about: 'hello' }, origin: ORIGIN })
    await host.clock.advance(1)
    expect(records.rows.map(({ username, about }) => `${username} ${about}`.trim())).toEqual([
      '',
      'Ada_L',
      'lovelace',
      'lovelace hello',
    ])
    const versions = records.rows.map(({ version }) => version.pts * 1000 + version.ordinal)
    expect(versions).toEqual([...versions].sort((one, other) => one - other))
  })

  test('that cannot be written hold no answer back, and are owed: a later activation writes them, once', async () => {
    const { host, user } = await registered()
    const { records } = host
    records.failure = new Error('not today')
    const set = await user.setUsername({ username: 'lovelace', token: 4, origin: ORIGIN })
    expect(set.profile.username).toBe('lovelace')
    await host.restart()
    records.failure = undefined
    records.said.length = 0
    await host.account(ME).profile()
    await host.clock.advance(2_000)
    expect(records.said).toContain('confirm username lovelace 4')
    expect(records.rows.at(-1)).toMatchObject({ username: 'lovelace' })
    records.said.length = 0
    await host.restart()
    await host.account(ME).profile()
    await host.clock.advance(2_000)
    expect(records.said).toEqual([])
  })
})
