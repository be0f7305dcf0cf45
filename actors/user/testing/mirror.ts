import type { Ref } from '../../../runtime/index.js'
import type { PeerKey } from '../../chat/chat-id.js'
import { parsePeerKey } from '../../chat/chat-id.js'
import { decodeBody } from '../../message/body.js'
import type { BoxChange, ReactionCount } from '../changes.js'
import type { BoxMessage, Difference, User } from '../contract.js'

/** A message as a device shows it. */
export interface SeenMessage {
  id: number
  from: number
  out: boolean
  text: string
  edited: number
  mentioned: boolean
  mentionUnread: boolean
  pinned: boolean
  reactions: readonly ReactionCount[]
  replyTo: number
}

export interface SeenDialog {
  readIn: number
  readOut: number
  unread: number
  marked: boolean
  draft: string
  messages: Map<number, SeenMessage>
}

/** All that a device knows of its account. Equal mirrors show the same. */
export class Mirror {
  pts = 0
  dialogs = new Map<PeerKey, SeenDialog>()
  pinned: PeerKey[] = []
  contacts = new Map<number, string>()
  blocked = new Set<number>()

  dialog(peer: PeerKey): SeenDialog {
    let dialog = this.dialogs.get(peer)
    if (!dialog) {
      dialog = { readIn: 0, readOut: 0, unread: 0, marked: false, draft: '', messages: new Map() }
      this.dialogs.set(peer, dialog)
    }
    return dialog
  }

  add(message: BoxMessage): void {
    const seen = seenMessage(message)
    const dialog = this.dialog(message.fact.peer)
    if (!dialog.messages.has(seen.id) && !seen.out && seen.id > dialog.readIn) dialog.unread++
    dialog.messages.set(seen.id, seen)
  }

  find(id: number): { dialog: SeenDialog; message: SeenMessage } | undefined {
    for (const dialog of this.dialogs.values()) {
      const message = dialog.messages.get(id)
      if (message) return { dialog, message }
    }
    return undefined
  }

  /** As clients apply updates; `messages` has edited messages as they are now, as the gateway would send them. */
  apply({ fact, body, pts, atMs }: BoxChange, edited: ReadonlyMap<number, BoxMessage>): void {
    switch (fact.type) {
      case 'message':
        this.add({
          id: pts,
          fact,
          body: body ?? new Uint8Array(0),
          ...(fact.mentioned && !fact.out && { mentionUnread: true }),
        })
        return
      case 'edited': {
        const message = edited.get(fact.id)
        const known = this.find(fact.id)
        if (message && known) known.dialog.messages.set(fact.id, { ...seenMessage(message), ...stays(known.message) })
        return
      }
      case 'deleted':
        for (const id of fact.ids) this.#forget(id)
        return
      case 'readInbox': {
        const dialog = this.dialog(fact.peer)
        dialog.readIn = fact.maxId
        dialog.unread = fact.stillUnread
        return
      }
      case 'readOutbox':
        this.dialog(fact.peer).readOut = fact.maxId
        return
      case 'pinned':
        for (const id of fact.ids) this.#change(id, { pinned: fact.pinned })
        return
      case 'mentionsRead':
        for (const id of fact.ids) this.#change(id, { mentionUnread: false })
        return
      case 'reacted':
        this.#change(fact.id, { reactions: fact.reactions })
        return
      case 'draft':
        this.dialog(fact.peer).draft = body ? draftText({ body, atMs, ...reply(fact.replyTo) }) : ''
        return
      case 'dialogPinned': {
        this.dialog(fact.peer)
        const others = this.pinned.filter((peer) => peer !== fact.peer)
        this.pinned = fact.pinned ? [fact.peer, ...others] : others
        return
      }
      case 'dialogsReordered':
        for (const peer of fact.order) this.dialog(peer)
        this.pinned = [...fact.order]
        return
      case 'dialogMarked':
        this.dialog(fact.peer).marked = fact.unread
        return
      case 'dialogDeleted':
        this.dialog(fact.peer).draft = ''
        this.dialog(fact.peer).marked = false
        this.pinned = this.pinned.filter((peer) => peer !== fact.peer)
        return
      case 'contact':
        if (fact.contact) this.contacts.set(fact.user, fact.contact.firstName)
        else this.contacts.delete(fact.user)
        return
      case 'blocked':
        if (fact.blocked) this.blocked.add(fact.user)
        else this.blocked.delete(fact.user)
    }
  }

  #forget(id: number): void {
    const known = this.find(id)
    if (!known) return
    known.dialog.messages.delete(id)
    if (!known.message.out && id > known.dialog.readIn) known.dialog.unread--
  }

  #change(id: number, change: Partial<SeenMessage>): void {
    const known = this.find(id)
    if (known) Object.assign(known.message, change)
  }

  /** What one may look at and compare. */
  shown(): unknown {
    const listed = [...this.dialogs].filter(
      ([peer, { messages, draft }]) => messages.size > 0 || draft !== '' || this.pinned.includes(peer),
    )
    const dialogs = listed.map(([peer, dialog]) => {
      const messages = [...dialog.messages.values()].sort((one, other) => one.id - other.id)
      return { peer, ...dialog, messages }
    })
    return {
      pts: this.pts,
      dialogs: dialogs.sort((one, other) => (one.peer < other.peer ? -1 : 1)),
      pinned: this.pinned,
      contacts: [...this.contacts].sort(),
      blocked: [...this.blocked].sort(),
    }
  }
}

const reply = (replyTo: number | undefined) => (replyTo === undefined ? {} : { replyTo })

/** What an update of an edit does not carry in the model of a device. */
function stays({ pinned, mentionUnread, reactions }: SeenMessage): Partial<SeenMessage> {
  return { pinned, mentionUnread, reactions }
}

function seenMessage(message: BoxMessage): SeenMessage {
  const { id, fact, body } = message
  return {
    id,
    from: fact.from,
    out: fact.out,
    text: decodeBody(body).text,
    edited: message.editedAtMs ?? 0,
    mentioned: fact.mentioned ?? false,
    mentionUnread: message.mentionUnread ?? false,
    pinned: message.pinned ?? false,
    reactions: message.reactions ?? [],
    replyTo: fact.replyTo ?? 0,
  }
}

function draftText({ body, replyTo, atMs }: { body: Uint8Array; replyTo?: number; atMs: number }): string {
  return `${decodeBody(body).text} (to ${replyTo ?? 0}) at ${atMs}`
}

/** A device that is offline and asks for differences. */
export class Device extends Mirror {
  date = 0
  #isBetweenSlices = false

  /** One getDifference; true when there is more. */
  async step(user: Ref<User>, limit: number): Promise<boolean> {
    const answer = await user.difference({ pts: this.pts, date: this.date, limit, totalLimit: 1_000_000 })
    await this.take(user, answer)
    return answer.kind === 'slice'
  }

  async take(user: Ref<User>, answer: Difference): Promise<void> {
    if (answer.kind === 'tooLong') throw new Error('too long')
    this.date = Math.floor(answer.atMs / 1000)
    this.pts = answer.pts
    if (answer.kind === 'empty') return
    for (const message of answer.messages) this.add(message)
    const edited = await editedIn(user, answer.others)
    for (const change of answer.others) this.apply(change, edited)
    // A count told in one slice knows nothing of what the next ones delete: after slices a device counts for itself.
    if (this.#isBetweenSlices || answer.kind === 'slice') this.#count()
    this.#isBetweenSlices = answer.kind === 'slice'
  }

  #count(): void {
    for (const dialog of this.dialogs.values()) {
      dialog.unread = [...dialog.messages.values()].filter(({ id, out }) => !out && id > dialog.readIn).length
    }
  }

  async catchUp(user: Ref<User>, limit: number): Promise<void> {
    for (let slices = 0; await this.step(user, limit); slices++) {
      if (slices > 10_000) throw new Error('the difference does not end')
    }
  }
}

/** A device that is attached: it takes pushes, each exactly after the one before. */
export class LiveDevice extends Mirror {
  ordinal = 0

  async push(user: Ref<User>, changes: readonly BoxChange[]): Promise<void> {
    const edited = await editedIn(user, changes)
    for (const change of changes) {
      const { pts, ordinal, count } = change
      if (count > 0 ? pts - count !== this.pts : pts !== this.pts) {
        throw new Error(`a push at ${pts}.${ordinal} (${count}) does not follow ${this.pts}.${this.ordinal}`)
      }
      if (count === 0 && ordinal <= this.ordinal) throw new Error(`${pts}.${ordinal} is pushed again`)
      this.pts = pts
      this.ordinal = ordinal
      this.apply(change, edited)
    }
  }
}

async function editedIn(user: Ref<User>, changes: readonly BoxChange[]): Promise<Map<number, BoxMessage>> {
  const ids = changes.flatMap(({ fact }) => (fact.type === 'edited' ? [fact.id] : []))
  const messages = await user.messages(ids)
  return new Map(messages.flatMap((message) => (message ? [[message.id, message]] : [])))
}

/** What a device has that starts from nothing, by lists and histories alone. */
export async function refetch(user: Ref<User>, page = 4): Promise<Mirror> {
  const mirror = new Mirror()
  mirror.pts = (await user.boxState()).pts
  let offset: { offsetDate: number; offsetId: number; offsetPeer?: ReturnType<typeof parsePeerKey> } = {
    offsetDate: 0,
    offsetId: 0,
  }
  const seen = new Set<PeerKey>()
  for (;;) {
    const { dialogs, messages } = await user.dialogs({ ...offset, excludePinned: false, limit: page })
    const fresh = dialogs.filter(({ peer }) => !seen.has(peer))
    for (const { peer, topId } of dialogs) if (topId > 0 && seen.has(peer)) throw new Error(`${peer} is listed twice`)
    for (const dialog of fresh) {
      seen.add(dialog.peer)
      const shown = mirror.dialog(dialog.peer)
      shown.draft = dialog.draft ? draftText(dialog.draft) : ''
      shown.marked = dialog.unreadMark
      if (dialog.pinned) mirror.pinned.push(dialog.peer)
      const history = await wholeHistory(user, dialog.peer)
      for (const message of history) mirror.add(message)
      if ((history[0]?.id ?? 0) !== dialog.topId) throw new Error(`the top of ${dialog.peer} is not ${dialog.topId}`)
      if (history.filter(({ mentionUnread }) => mentionUnread).length !== dialog.unreadMentions) {
        throw new Error(`${dialog.peer} has not ${dialog.unreadMentions} unread mentions`)
      }
      shown.readIn = dialog.readInboxMaxId
      shown.readOut = dialog.readOutboxMaxId
      shown.unread = dialog.unread
    }
    if (fresh.length === 0) break
    // As clients do: from the last one that has a message; those without one behind it come again.
    const last = dialogs.findLast(({ topId }) => topId > 0)
    const top = messages.find(({ id }) => id === last?.topId)
    // A page without any message leaves a client nothing to go on from: it asks for a longer one.
    if ((!last || !top) && page < 100) return refetch(user, 100)
    if (!last || !top) break
    offset = { offsetDate: Math.floor(top.fact.atMs / 1000), offsetId: last.topId, offsetPeer: parsePeerKey(last.peer) }
  }
  for (const { user: id, card } of await user.contacts()) mirror.contacts.set(id, card.firstName)
  for (const { user: id } of (await user.blocked({ offset: 0, limit: 1_000 })).users) mirror.blocked.add(id)
  return mirror
}

async function wholeHistory(user: Ref<User>, peer: PeerKey): Promise<BoxMessage[]> {
  const all: BoxMessage[] = []
  for (;;) {
    const offsetId = all.at(-1)?.id ?? 0
    const request = { peer: parsePeerKey(peer), offsetId, offsetDate: 0, addOffset: 0, limit: 4, maxId: 0, minId: 0 }
    const { messages, total } = await user.history(request)
    all.push(...messages)
    if (messages.length > 0) continue
    if (total !== all.length) throw new Error(`${peer} has ${all.length} messages, not ${total}`)
    return all
  }
}
