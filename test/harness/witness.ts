import type { tl } from '@mtcute/core'
import type { TelegramClient } from '@mtcute/node'

/** A message as an account's box has it. */
export interface Seen {
  readonly id: number
  readonly text: string
}

const pageSize = 100

/** All messages of a chat with words in them, oldest first, by pages of messages.getHistory. */
export async function history(client: TelegramClient, peer: string | number): Promise<readonly Seen[]> {
  const to = await client.resolvePeer(peer)
  const found: Seen[] = []
  for (let offsetId = 0; ; offsetId = found.at(-1)?.id ?? 0) {
    const page = await client.call({
      _: 'messages.getHistory',
      peer: to,
      offsetId,
      offsetDate: 0,
      addOffset: 0,
      limit: pageSize,
      maxId: 0,
      minId: 0,
      hash: bigZero,
    })
    const messages = page._ === 'messages.messagesNotModified' ? [] : page.messages
    for (const message of messages) {
      if (message._ === 'message') found.push({ id: message.id, text: message.message })
      else found.push({ id: message.id, text: '' })
    }
    if (messages.length === 0) return found.reverse().filter(({ text }) => text !== '')
  }
}

const bigZero = { low: 0, high: 0, unsigned: false } as never

/** What a device that was away since the account began would be told: new messages, oldest first, and the end's pts. */
export async function difference(client: TelegramClient): Promise<{ readonly messages: readonly Seen[]; pts: number }> {
  const messages: Seen[] = []
  const take = (news: readonly tl.TypeMessage[]) => {
    for (const message of news) if (message._ === 'message') messages.push({ id: message.id, text: message.message })
  }
  // A client cannot name pts 0, which means "no state"; the first entry is the account's registration or a message.
  const state = { pts: 1, date: 0, qts: 0 }
  for (;;) {
    const answer = await client.call({
      _: 'updates.getDifference',
      ...state,
      ptsTotalLimit: 1_000_000,
    })
    switch (answer._) {
      case 'updates.differenceEmpty':
        return { messages, pts: state.pts }
      case 'updates.differenceTooLong':
        throw new Error('The difference is too long')
      case 'updates.difference':
        take(answer.newMessages)
        return { messages, pts: answer.state.pts }
      case 'updates.differenceSlice':
        take(answer.newMessages)
        ;({ pts: state.pts, date: state.date, qts: state.qts } = answer.intermediateState)
    }
  }
}
