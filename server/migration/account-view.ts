import { type PeerKey, parsePeerKey } from '../../actors/chat/chat-id.js'
import type { User } from '../../actors/index.js'
import type { Ref } from '../../runtime/index.js'

/** One thing that an account's own devices can ask for, and its answer. */
export interface Seen {
  readonly what: string
  readonly answer: unknown
}

const page = 100
const changesAtOnce = 500

/**
 * All that an account shows to its devices, one answer after the other: profile, state, the difference from the beginning,
 * dialogs, the history of each, drafts, contacts, devices.
 */
export async function* accountView(user: Ref<User>): AsyncGenerator<Seen> {
  yield { what: 'profile', answer: await user.profile() }
  yield { what: 'state', answer: await user.boxState() }
  yield* differences(user)
  const peers: PeerKey[] = []
  yield* dialogs(user, peers)
  for (const peer of peers) yield* history(user, peer)
  yield { what: 'pinned dialogs', answer: await user.pinnedDialogs() }
  yield { what: 'drafts', answer: await user.drafts() }
  yield { what: 'contacts', answer: await user.contacts() }
  yield* blocked(user)
  yield { what: 'devices', answer: await user.authorizations() }
  yield { what: 'what devices have', answer: await user.deliveredTo() }
}

async function* differences(user: Ref<User>): AsyncGenerator<Seen> {
  let pts = 0
  for (;;) {
    const request = { pts, date: 0, limit: changesAtOnce, totalLimit: Number.MAX_SAFE_INTEGER }
    const answer = await user.difference(request)
    yield { what: `difference from ${pts}`, answer }
    if (answer.kind !== 'slice' || answer.pts <= pts) return
    pts = answer.pts
  }
}

async function* dialogs(user: Ref<User>, peers: PeerKey[]): AsyncGenerator<Seen> {
  let offset = {}
  for (;;) {
    const request = { offsetDate: 0, offsetId: 0, excludePinned: false, limit: page, ...offset }
    const answer = await user.dialogs(request)
    yield { what: `dialogs after ${peers.length}`, answer }
    for (const { peer } of answer.dialogs) peers.push(peer)
    const last = answer.dialogs.at(-1)
    if (last === undefined || answer.dialogs.length < page) return
    const top = answer.messages.find(({ id }) => id === last.topId)
    const offsetDate = Math.floor((top?.fact.atMs ?? 0) / 1_000)
    offset = { offsetDate, offsetId: last.topId, offsetPeer: parsePeerKey(last.peer) }
  }
}

async function* history(user: Ref<User>, key: PeerKey): AsyncGenerator<Seen> {
  let offsetId = 0
  for (;;) {
    const where = { peer: parsePeerKey(key), offsetId, offsetDate: 0, addOffset: 0, limit: page, maxId: 0, minId: 0 }
    const answer = await user.history(where)
    yield { what: `history of ${key} before ${offsetId}`, answer }
    const last = answer.messages.at(-1)
    if (last === undefined || answer.messages.length < page) return
    offsetId = last.id
  }
}

async function* blocked(user: Ref<User>): AsyncGenerator<Seen> {
  for (let offset = 0; ; offset += page) {
    const answer = await user.blocked({ offset, limit: page })
    yield { what: `blocked after ${offset}`, answer }
    if (answer.users.length < page) return
  }
}
