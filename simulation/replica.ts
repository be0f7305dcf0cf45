/**
 * What one device knows of its account, and how it learns: the rules of telegram-like clients
 * (core.telegram.org/api/updates), with the care that a careful client can take.
 *
 * P1. A numbered change applies when it follows the pts; one that is known is dropped; one beyond it is a gap.
 * P2. A change without a number applies once the pts that it stands under is known, and only if nothing newer was told
 *     of the same thing. (A client cannot see that pts on the wire; what races between an answer and a push there is not
 *     what is tested here.)
 * P3. Unread messages are counted, not added up: incoming ones above the cursor.
 * P4. A difference tells its changes in order, so one that it tells late is applied, and what follows it of the same thing
 *     once more: pins are in an order that each change of them moves.
 */
import { type ChatId, type PeerKey, peerKey, peerOfChat } from '../actors/chat/chat-id.js'
import { decodeBody } from '../actors/message/body.js'
import type { BoxChange, BoxFact, MessageFact } from '../actors/user/changes.js'
import type { BoxMessage, Difference } from '../actors/user/contract.js'

export interface Message {
  readonly fact: MessageFact
  body: string
  editedAtMs?: number | undefined
  mentioned: boolean
  mentionUnread: boolean
  pinned: boolean
  reactions: string
}

export interface Talk {
  readIn: number
  readOut: number
  marked: boolean
  draft?: string | undefined
}

/** A whole account as the server shows it. */
export interface Snapshot {
  readonly pts: number
  /** Seconds. */
  readonly date: number
  readonly messages: ReadonlyMap<number, Message>
  readonly talks: ReadonlyMap<PeerKey, Talk>
  readonly pinned: readonly PeerKey[]
  /** Contacts, blocks, notifications, names and scheduled messages, by what they are about. */
  readonly settings: ReadonlyMap<string, string>
}

export type Taken = 'applied' | 'known' | 'gap'

export class Replica {
  readonly #self: number
  pts = 0
  date = 0
  messages = new Map<number, Message>()
  talks = new Map<PeerKey, Talk>()
  pinned: PeerKey[] = []
  settings = new Map<string, string>()
  /** Where the last change without a number stands that was told of a thing (P2). */
  #newest = new Map<string, number>()
  /** Up to here the last difference or snapshot told everything: what comes late of that is known. */
  #toldUpTo = 0

  constructor(self: number) {
    this.#self = self
  }

  copy(): Replica {
    const copy = new Replica(this.#self)
    copy.adopt(this)
    copy.#newest = new Map(this.#newest)
    copy.#toldUpTo = this.#toldUpTo
    return copy
  }

  adopt({ pts, date, messages, talks, pinned, settings }: Snapshot): void {
    this.pts = pts
    this.date = date
    this.messages = new Map([...messages].map(([id, message]) => [id, { ...message }]))
    this.talks = new Map([...talks].map(([peer, talk]) => [peer, { ...talk }]))
    this.pinned = [...pinned]
    this.settings = new Map(settings)
    this.#newest.clear()
    this.#toldUpTo = pts
  }

  take(change: BoxChange): Taken {
    const { pts, count, fact, body } = change
    if (count === 0) {
      if (pts > this.pts) return 'gap'
      return pts < this.#toldUpTo ? 'known' : this.#takeUnnumbered(change)
    }
    if (this.pts + count > pts) return 'known'
    if (this.pts + count < pts) return 'gap'
    this.pts = pts
    this.#apply(pts, fact, body)
    return 'applied'
  }

  /** Messages first, then the rest in their order. The caller goes on from `pts` after a slice. */
  takeDifference(difference: Difference): void {
    if (difference.kind === 'tooLong') throw new TypeError('a difference that is too long has nothing to take')
    if (difference.kind !== 'empty') {
      for (const message of difference.messages) this.messages.set(message.id, messageOf(message))
      this.#takeOthers(difference.others)
    }
    this.pts = Math.max(this.pts, difference.pts)
    this.#toldUpTo = this.pts
    this.date = Math.floor(difference.atMs / 1000)
  }

  unread(peer: PeerKey): number {
    const readIn = this.talks.get(peer)?.readIn ?? 0
    let unread = 0
    for (const [id, { fact }] of this.messages) if (fact.peer === peer && !fact.out && id > readIn) unread++
    return unread
  }

  #takeUnnumbered(change: BoxChange): Taken {
    const takenEach = eachOf(change).map((one) => this.#takeOne(one))
    return takenEach.includes('applied') ? 'applied' : 'known'
  }

  #takeOne(change: BoxChange): Taken {
    const subject = subjectOf(change.fact)
    if ((this.#newest.get(subject) ?? -1) >= placeOf(change)) return 'known'
    this.#newest.set(subject, placeOf(change))
    this.#apply(change.pts, change.fact, change.body)
    return 'applied'
  }

  /** P4: all that a difference tells of a thing, if it reaches as far as what is known of it. */
  #takeOthers(others: readonly BoxChange[]): void {
    const ones = others.flatMap((change) => (change.count > 0 ? [change] : eachOf(change)))
    const last = new Map<string, number>()
    for (const one of ones) if (one.count === 0) last.set(subjectOf(one.fact), placeOf(one))
    for (const one of ones) {
      const subject = subjectOf(one.fact)
      if (one.count === 0 && (this.#newest.get(subject) ?? -1) > last.get(subject)!) continue
      this.#apply(one.pts, one.fact, one.body)
    }
    for (const [subject, place] of last) this.#newest.set(subject, Math.max(place, this.#newest.get(subject) ?? -1))
  }

  #talk(peer: PeerKey): Talk {
    let talk = this.talks.get(peer)
    if (talk === undefined) {
      talk = { readIn: 0, readOut: 0, marked: false }
      this.talks.set(peer, talk)
    }
    return talk
  }

  #apply(pts: number, fact: BoxFact, body: Uint8Array | undefined): void {
    switch (fact.type) {
      case 'message':
        this.messages.set(pts, newMessage(fact, body))
        return
      case 'edited': {
        const message = this.messages.get(fact.id)
        if (message === undefined) return
        message.body = textOf(body)
        message.editedAtMs = fact.editedAtMs
        message.mentioned = fact.mentioned
        return
      }
      case 'deleted':
        for (const id of fact.ids) this.messages.delete(id)
        return
      case 'readInbox': {
        const talk = this.#talk(fact.peer)
        talk.readIn = Math.max(talk.readIn, fact.maxId)
        return
      }
      case 'readOutbox': {
        const talk = this.#talk(fact.peer)
        talk.readOut = Math.max(talk.readOut, fact.maxId)
        return
      }
      default:
        this.#applyMarks(fact, body)
    }
  }

  #applyMarks(fact: BoxFact, body: Uint8Array | undefined): void {
    switch (fact.type) {
      case 'pinned':
        for (const id of fact.ids) this.#change(id, (message) => (message.pinned = fact.pinned))
        return
      case 'mentionsRead':
        for (const id of fact.ids) this.#change(id, (message) => (message.mentionUnread = false))
        return
      case 'reacted':
        this.#change(fact.id, (message) => (message.reactions = reactionsText(fact)))
        return
      case 'draft':
        this.#talk(fact.peer).draft = fact.cleared ? undefined : draftText(body, fact.replyTo)
        return
      case 'dialogMarked':
        this.#talk(fact.peer).marked = fact.unread
        return
      case 'dialogPinned':
        this.pinned = this.pinned.filter((peer) => peer !== fact.peer)
        if (fact.pinned) this.pinned.unshift(fact.peer)
        return
      case 'dialogsReordered':
        this.pinned = [...fact.order]
        return
      case 'dialogDeleted': {
        const talk = this.#talk(fact.peer)
        talk.draft = undefined
        talk.marked = false
        this.pinned = this.pinned.filter((peer) => peer !== fact.peer)
        return
      }
      default:
        this.#applySetting(fact)
    }
  }

  #applySetting(fact: BoxFact): void {
    const value = settingOf(fact)
    const subject = subjectOf(fact)
    if (value !== undefined) this.settings.set(subject, value)
    else this.settings.delete(subject)
  }

  #change(id: number, change: (message: Message) => void): void {
    const message = this.messages.get(id)
    if (message !== undefined) change(message)
  }

  /** Messages of one chat, oldest first. */
  inChat(chat: ChatId): (Message & { readonly id: number })[] {
    const peer = peerKey(peerOfChat(this.#self, chat))
    return [...this.messages]
      .filter(([, { fact }]) => fact.peer === peer)
      .map(([id, message]) => ({ id, ...message }))
      .sort((one, other) => one.id - other.id)
  }
}

/** What a later change replaces. Facts that add up (the order of pinned dialogs) are one thing. */
function placeOf({ pts, ordinal }: BoxChange): number {
  return pts * 1_000_000 + ordinal
}

/** Of several things, a change each. */
function eachOf(change: BoxChange): readonly BoxChange[] {
  const { fact } = change
  if (fact.type !== 'unscheduled' || fact.ids.length === 1) return [change]
  return fact.ids.map((id) => ({ ...change, fact: { ...fact, ids: [id] } }))
}

function subjectOf(fact: BoxFact): string {
  switch (fact.type) {
    case 'reacted':
      return `reacted ${fact.id}`
    case 'draft':
    case 'dialogMarked':
      return `${fact.type} ${fact.peer}`
    case 'dialogPinned':
    case 'dialogsReordered':
      return 'pins'
    case 'contact':
    case 'blocked':
      return `${fact.type} ${fact.user}`
    case 'notify':
      return `notify ${fact.scope}`
    case 'scheduled':
      return `scheduled ${fact.peer} ${fact.id}`
    case 'unscheduled':
      return `scheduled ${fact.peer} ${fact.ids[0]}`
    default:
      return fact.type
  }
}

/** What a device shows of a setting; undefined: it is as it is by default. */
function settingOf(fact: BoxFact): string | undefined {
  switch (fact.type) {
    case 'contact':
      return fact.contact?.firstName
    case 'blocked':
      return fact.blocked ? 'yes' : undefined
    case 'notify':
      return fact.settings && JSON.stringify(fact.settings)
    case 'profile':
      return fact.profile.about === '' ? undefined : fact.profile.about
    case 'username':
      return fact.username === '' ? undefined : fact.username
    case 'scheduled':
      return `${fact.dueAtMs}`
    default:
      return undefined
  }
}

function newMessage(fact: MessageFact, body: Uint8Array | undefined): Message {
  const mentioned = fact.mentioned ?? false
  return {
    fact,
    body: textOf(body),
    mentioned,
    mentionUnread: mentioned && !fact.out,
    pinned: false,
    reactions: '',
  }
}

export function messageOf(message: BoxMessage): Message {
  const { fact, body, editedAtMs, reactions, recentReactions = [], pinned = false, mentionUnread = false } = message
  return {
    fact,
    body: textOf(body),
    ...(editedAtMs !== undefined && { editedAtMs }),
    mentioned: fact.mentioned ?? false,
    mentionUnread,
    pinned,
    reactions: reactions ? reactionsText({ reactions, recent: recentReactions }) : '',
  }
}

type Reactions = Pick<Extract<BoxFact, { type: 'reacted' }>, 'reactions' | 'recent'>

function reactionsText({ reactions, recent }: Reactions): string {
  if (reactions.length === 0) return ''
  const counts = reactions.map(({ reaction, count, mine }) => `${reaction}x${count}${mine ? '!' : ''}`)
  return `${counts.join(' ')} (${recent.map(({ user, reaction }) => `${user}${reaction}`).join(' ')})`
}

export function draftText(body: Uint8Array | undefined, replyTo: number | undefined): string {
  return `${textOf(body)}${replyTo === undefined ? '' : ` > ${replyTo}`}`
}

/** '' for a service message. */
export function textOf(body: Uint8Array | undefined): string {
  return body === undefined || body.length === 0 ? '' : decodeBody(body).text
}

function shown(message: Message): string {
  const { fact, body, editedAtMs, mentioned, mentionUnread, pinned, reactions } = message
  const { peer, n, from, atMs, out, silent, replyTo, action, pinnedId, op } = fact
  const told = { peer, n, from, atMs, out, silent, replyTo, action, pinnedId, op }
  return JSON.stringify({ ...told, body, editedAtMs, mentioned, mentionUnread, pinned, reactions })
}

/** Where two states of one account differ, in words; empty where they do not. */
export function differences(mine: Snapshot & { unread(peer: PeerKey): number }, theirs: ServerView): string[] {
  const found: string[] = []
  const ids = new Set([...mine.messages.keys(), ...theirs.messages.keys()])
  for (const id of [...ids].sort((a, b) => a - b)) {
    const [here, there] = [mine.messages.get(id), theirs.messages.get(id)].map((each) => each && shown(each))
    if (here !== there) found.push(`message ${id}: the device has ${here}, the server ${there}`)
  }
  for (const [peer, there] of theirs.talks) {
    const here = mine.talks.get(peer)
    const told = (talk: Talk | undefined, unread: number) =>
      `readIn ${talk?.readIn ?? 0}, readOut ${talk?.readOut ?? 0}, marked ${talk?.marked ?? false}, draft ${talk?.draft}, unread ${unread}`
    const [one, other] = [told(here, mine.unread(peer)), told(there, theirs.unread.get(peer) ?? 0)]
    if (one !== other) found.push(`dialog ${peer}: the device has ${one}; the server ${other}`)
  }
  for (const subject of new Set([...mine.settings.keys(), ...theirs.settings.keys()])) {
    const [here, there] = [mine.settings.get(subject), theirs.settings.get(subject)]
    const isTold = !theirs.untold?.some((peer) => subject.startsWith(`scheduled ${peer} `))
    if (here !== there && isTold) found.push(`${subject}: the device has ${here}, the server ${there}`)
  }
  if (mine.pinned.join() !== theirs.pinned.join())
    found.push(`pinned: the device has ${mine.pinned}; the server ${theirs.pinned}`)
  return found
}

/** A snapshot with what the server counts by itself. */
export interface ServerView extends Snapshot {
  readonly unread: ReadonlyMap<PeerKey, number>
  /** Chats whose scheduled messages the account may not ask for any more: what is known of them stays as it was. */
  readonly untold?: readonly PeerKey[]
}
