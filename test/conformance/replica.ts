import type { RawClient, TlObject } from '../harness/index.js'

type Fields = Readonly<Record<string, unknown>>

/** What a client shows of an account: its messages and its dialogs, by the fields that changes are told of. */
export class Replica {
  readonly messages = new Map<number, Fields>()
  readonly dialogs = new Map<string, Fields>()
  /** By dialog and their own ids. */
  readonly scheduled = new Map<string, Fields>()
  /** People and groups, as the last answer that named them has them. */
  readonly names = new Map<string, string>()
  readonly #accessHashes = new Map<number, unknown>()
  readonly #met = new Set<string>()
  pts = 0
  date = 0

  /** All of it, asked for anew. */
  static async fetched(client: RawClient): Promise<Replica> {
    const replica = new Replica()
    const { pts, date } = (await client.call({ _: 'updates.getState' })) as { pts: number; date: number }
    const dialogs = await client.call({
      _: 'messages.getDialogs',
      offsetDate: 0,
      offsetId: 0,
      offsetPeer: { _: 'inputPeerEmpty' },
      limit: 100,
      hash: zero,
    })
    const page = dialogs as { dialogs: TlObject[]; users: TlObject[] }
    for (const dialog of page.dialogs) {
      const key = keyOf(dialog.peer)
      replica.#take(dialog)
      for (const message of await historyOf(client, inputOf(dialog.peer, page.users))) replica.#message(message)
      const isUnread = ([id, one]: [number, Fields]) =>
        one.peer === key && !one.out && id > Number(dialog.readInboxMaxId)
      for (const message of await scheduledIn(client, inputOf(dialog.peer, page.users))) replica.#schedule(message)
      const unread = [...replica.messages].filter(isUnread).length
      if (unread !== dialog.unreadCount) throw new Error(`${key} says ${dialog.unreadCount} unread, ${unread} are`)
    }
    replica.#named(dialogs as TlObject)
    replica.pts = pts
    replica.date = date
    return replica
  }

  /** Asks for what changed since, in slices of at most `ptsLimit`, and applies it; the number of slices. */
  async catchUp(client: RawClient, ptsLimit: number): Promise<number> {
    for (let slices = 1; ; slices++) {
      const asked = { _: 'updates.getDifference', pts: this.pts, ptsLimit, date: this.date, qts: 0 }
      const answer = (await client.call(asked)) as TlObject
      if (answer._ === 'updates.differenceEmpty') return slices
      if (answer._ === 'updates.differenceTooLong') throw new Error('too long')
      this.#named(answer)
      for (const update of answer.otherUpdates as TlObject[]) this.#update(update)
      for (const message of answer.newMessages as TlObject[]) this.#message(message)
      const state = (answer.state ?? answer.intermediateState) as { pts: number; date: number }
      this.pts = state.pts
      this.date = state.date
      if (answer._ !== 'updates.difference') continue
      await this.#meetDialogs(client)
      return slices
    }
  }

  shown(): { messages: readonly unknown[]; dialogs: readonly unknown[]; scheduled: readonly unknown[] } {
    const messages = [...this.messages].sort(([one], [other]) => one - other)
    const dialogs = this.#listed().map((key) => [key, this.dialogs.get(key)] as const)
    // A dialog that no list shows is not asked for what is scheduled in it.
    const listed = this.#listed()
    const scheduled = [...this.scheduled]
      .filter(([place]) => listed.includes(place.split(' ').slice(0, 2).join(' ')))
      .map(([place, one]) => [place, { ...one, replyToId: this.#standing(one.replyToId) }] as const)
      .sort(([one], [other]) => one.localeCompare(other))
    return { messages, dialogs: dialogs.sort(([one], [other]) => one.localeCompare(other)), scheduled }
  }

  #update(update: TlObject): void {
    switch (update._) {
      case 'updateEditMessage': {
        const message = update.message as TlObject
        if (this.messages.has(message.id as number)) this.#message(message)
        return
      }
      case 'updateDeleteMessages':
        for (const id of update.messages as number[]) this.messages.delete(id)
        return
      case 'updateNewScheduledMessage':
        this.#schedule(update.message as TlObject)
        return
      case 'updateDeleteScheduledMessages':
        for (const id of update.messages as number[]) this.scheduled.delete(`${keyOf(update.peer)} ${id}`)
        return
      case 'updateReadHistoryInbox':
        this.#dialog(keyOf(update.peer), { readInboxMaxId: update.maxId })
        return
      case 'updateReadHistoryOutbox':
        this.#dialog(keyOf(update.peer), { readOutboxMaxId: update.maxId })
        return
      case 'updatePinnedMessages':
        for (const id of update.messages as number[]) this.#patch(id, { pinned: update.pinned === true })
        return
      case 'updateMessageReactions':
        this.#patch(update.msgId as number, { reactions: reactionsOf(update.reactions) })
        return
      case 'updateDraftMessage':
        this.#dialog(keyOf(update.peer), { draft: draftOf(update.draft) })
        return
      case 'updateDialogPinned':
        this.#dialog(keyOf((update.peer as TlObject).peer), { pinned: update.pinned === true })
        return
      case 'updatePinnedDialogs': {
        const order = (update.order as TlObject[]).map(({ peer }) => keyOf(peer))
        for (const key of new Set([...this.dialogs.keys(), ...order]))
          this.#dialog(key, { pinned: order.includes(key) })
        return
      }
      case 'updateDialogUnreadMark':
        this.#dialog(keyOf((update.peer as TlObject).peer), { unreadMark: update.unread === true })
        return
      case 'updateNotifySettings': {
        const { peer } = update.peer as TlObject
        if (peer) this.#dialog(keyOf(peer), { muteUntil: muteOf(update.notifySettings) })
        return
      }
    }
  }

  /** What is replied to, as long as it stands: clients hide a reply to a message that they saw deleted. */
  #standing(id: unknown): unknown {
    return this.messages.has(id as number) ? id : undefined
  }

  /** A dialog that comes back was in no list: clients ask for it when they meet it. */
  async #meetDialogs(client: RawClient): Promise<void> {
    for (const key of this.#listed()) {
      if (this.#met.has(key)) continue
      const [kind, id] = key.split(' ')
      const inner = { accessHash: this.#accessHashes.get(Number(id)) }
      const peer: TlObject =
        kind === 'peerChat'
          ? { _: 'inputPeerChat', chatId: Number(id) }
          : { _: 'inputPeerUser', userId: Number(id), ...inner }
      const asked = { _: 'messages.getPeerDialogs', peers: [{ _: 'inputDialogPeer', peer }] }
      const { dialogs } = (await client.call(asked)) as { dialogs: TlObject[] }
      for (const dialog of dialogs) this.#take(dialog)
      // What waited in it before it was in any list is told by nothing else.
      for (const message of await scheduledIn(client, peer)) this.#schedule(message)
    }
  }

  /** Dialogs that a list shows. */
  #listed(): string[] {
    const withMessages = new Set([...this.messages.values()].map(({ peer }) => peer))
    return [...this.dialogs].flatMap(([key, { draft, pinned }]) =>
      withMessages.has(key) || draft !== '' || pinned ? [key] : [],
    )
  }

  #take(dialog: TlObject): void {
    const key = keyOf(dialog.peer)
    this.#met.add(key)
    this.#dialog(key, {
      readInboxMaxId: dialog.readInboxMaxId,
      readOutboxMaxId: dialog.readOutboxMaxId,
      pinned: dialog.pinned === true,
      unreadMark: dialog.unreadMark === true,
      muteUntil: muteOf(dialog.notifySettings),
      draft: draftOf(dialog.draft),
    })
  }

  #named({ users, chats }: TlObject): void {
    for (const { id, firstName, lastName, contact, username, accessHash } of users as TlObject[]) {
      this.#accessHashes.set(Number(id), accessHash)
      this.names.set(`user ${id}`, `${firstName} ${lastName} ${username} ${contact === true}`)
    }
    for (const { id, title, _ } of chats as TlObject[]) this.names.set(`chat ${id}`, `${_} ${title}`)
  }

  #message(message: TlObject): void {
    this.messages.set(message.id as number, {
      peer: keyOf(message.peerId),
      text: message.message ?? (message.action as TlObject)._,
      out: message.out === true,
      editDate: message.editDate,
      replyTo: (message.replyTo as TlObject | undefined)?.replyToMsgId,
      isForward: message.fwdFrom !== undefined,
      pinned: message.pinned === true,
      reactions: reactionsOf(message.reactions),
    })
    this.#dialog(keyOf(message.peerId), {})
  }

  #schedule({ id, peerId, message, date, replyTo, silent, editHide }: TlObject): void {
    const replyToId = (replyTo as TlObject | undefined)?.replyToMsgId
    this.scheduled.set(`${keyOf(peerId)} ${id}`, { message, date, replyToId, silent, editHide })
  }

  #patch(id: number, fields: Fields): void {
    const known = this.messages.get(id)
    if (known) this.messages.set(id, { ...known, ...fields })
  }

  #dialog(key: string, fields: Fields): void {
    const fresh = { readInboxMaxId: 0, readOutboxMaxId: 0, pinned: false, unreadMark: false, muteUntil: 0, draft: '' }
    this.dialogs.set(key, { ...fresh, ...this.dialogs.get(key), ...fields })
  }
}

const zero = '\0\0\0\0\0\0\0\0'

async function historyOf(client: RawClient, peer: TlObject): Promise<readonly TlObject[]> {
  const messages: TlObject[] = []
  for (let offsetId = 0; ; ) {
    const page = { peer, offsetId, offsetDate: 0, addOffset: 0, limit: 100, maxId: 0, minId: 0, hash: zero }
    const answer = (await client.call({ _: 'messages.getHistory', ...page })) as { messages: TlObject[] }
    messages.push(...answer.messages)
    const last = answer.messages.at(-1)
    if (!last) return messages
    offsetId = last.id as number
  }
}

async function scheduledIn(client: RawClient, peer: TlObject): Promise<readonly TlObject[]> {
  const answer = await client.call({ _: 'messages.getScheduledHistory', peer, hash: zero }).catch(noneIfRefused)
  return (answer as { messages: readonly TlObject[] }).messages
}

/** Who has left a group is not shown what he scheduled there. */
function noneIfRefused(error: unknown): { messages: readonly TlObject[] } {
  if (/PEER_ID_INVALID|CHAT_WRITE_FORBIDDEN|USER_NOT_PARTICIPANT/.test(String(error))) return { messages: [] }
  throw error
}

function keyOf(peer: unknown): string {
  const { _, ...id } = peer as TlObject
  return `${_} ${Object.values(id).join()}`
}

function inputOf(peer: unknown, users: readonly TlObject[]): TlObject {
  const { userId, chatId } = peer as TlObject
  if (chatId !== undefined) return { _: 'inputPeerChat', chatId }
  return { _: 'inputPeerUser', userId, accessHash: users.find(({ id }) => id === userId)?.accessHash }
}

function muteOf(settings: unknown): unknown {
  return (settings as TlObject | undefined)?.muteUntil ?? 0
}

function draftOf(draft: unknown): unknown {
  return (draft as TlObject | undefined)?.message ?? ''
}

function reactionsOf(reactions: unknown): unknown {
  const results = (reactions as { results?: TlObject[] } | undefined)?.results ?? []
  return results.map(({ count, chosenOrder, reaction }) => [(reaction as TlObject).emoticon, count, chosenOrder])
}
