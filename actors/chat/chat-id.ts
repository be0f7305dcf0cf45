/**
 * What names a chat. A private chat is the unordered pair of its parties (both the same: saved messages), a basic
 * group has a number of its own. The spelling is the actor's key.
 */
export type ChatId = string & { readonly chatId: unique symbol }

export type ParsedChatId =
  | { readonly kind: 'private'; readonly low: number; readonly high: number }
  | { readonly kind: 'group'; readonly id: number }

const PRIVATE = /^p([1-9][0-9]{0,15})-([1-9][0-9]{0,15})$/
const GROUP = /^g([1-9][0-9]{0,15})$/

export function privateChat(one: number, other: number): ChatId {
  return `p${Math.min(one, other)}-${Math.max(one, other)}` as ChatId
}

export function groupChat(id: number): ChatId {
  return `g${id}` as ChatId
}

/** Throws a TypeError on anything that `privateChat` and `groupChat` never make. */
export function parseChatId(key: string): ParsedChatId {
  return spellingOf(key).parsed
}

/** A chat's id taken apart, and what its parties (in a group everybody) call it. */
interface Spelling {
  readonly parsed: ParsedChatId
  readonly toLow: PeerKey
  readonly toHigh: PeerKey
}

/**
 * Those that were asked for lately: a message's way asks for its chat's parties a dozen times, and the patterns alone
 * took 2 us of it.
 */
const spellings = new Map<string, Spelling>()
const KEPT_SPELLINGS = 10_000

function spellingOf(key: string): Spelling {
  const known = spellings.get(key)
  if (known !== undefined) return known
  if (spellings.size >= KEPT_SPELLINGS) spellings.clear()
  const spelling = spell(key)
  spellings.set(key, spelling)
  return spelling
}

function spell(key: string): Spelling {
  const group = GROUP.exec(key)
  if (group) {
    const id = Number(group[1])
    const toAll = peerKey({ kind: 'chat', id })
    return { parsed: { kind: 'group', id }, toLow: toAll, toHigh: toAll }
  }
  const pair = PRIVATE.exec(key)
  const low = Number(pair?.[1])
  const high = Number(pair?.[2])
  if (!(low <= high)) throw new TypeError(`bad chat id ${JSON.stringify(key)}`)
  const toLow = peerKey({ kind: 'user', id: high })
  return { parsed: { kind: 'private', low, high }, toLow, toHigh: peerKey({ kind: 'user', id: low }) }
}

/** A peer as one account sees it: the other party, or the group. */
export type Peer = { readonly kind: 'user'; readonly id: number } | { readonly kind: 'chat'; readonly id: number }

/** A peer's spelling as a key: `u17`, `c4`. */
export type PeerKey = string & { readonly peerKey: unique symbol }

export function peerKey(peer: Peer): PeerKey {
  return `${peer.kind === 'user' ? 'u' : 'c'}${peer.id}` as PeerKey
}

export function parsePeerKey(key: PeerKey): Peer {
  return { kind: key.startsWith('u') ? 'user' : 'chat', id: Number(key.slice(1)) }
}

export function chatOfPeer(self: number, peer: Peer): ChatId {
  return peer.kind === 'user' ? privateChat(self, peer.id) : groupChat(peer.id)
}

export function peerOfChat(self: number, chat: ChatId): Peer {
  return parsePeerKey(peerKeyOfChat(self, chat))
}

/** What one account calls the chat. */
export function peerKeyOfChat(self: number, chat: ChatId): PeerKey {
  const { parsed, toLow, toHigh } = spellingOf(chat)
  return parsed.kind === 'private' && parsed.low === self ? toLow : toHigh
}
