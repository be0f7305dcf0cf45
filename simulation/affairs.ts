import { type ChatId, groupChat, type Peer, type PeerKey, peerKey } from '../actors/chat/chat-id.js'
import type { Chat, Invite, Origin, Outcome } from '../actors/chat/contract.js'
import { decodeBody, encodeBody } from '../actors/message/body.js'
import type { User } from '../actors/user/contract.js'
import { type Ref, refuse } from '../runtime/index.js'
import type { Dice } from './dice.js'

/** How often each: what people change besides messages. */
export const affairs = {
  contact: 3,
  blockedList: 2,
  notify: 2,
  profile: 2,
  username: 1,
  reorder: 1,
  clearDrafts: 1,
  about: 1,
  admin: 2,
  invite: 2,
  unpinAll: 1,
  settleScheduled: 3,
  reschedule: 3,
}
export type Affair = keyof typeof affairs

/** What an affair needs of the script whose person has it. */
export interface Means {
  readonly user: number
  readonly others: readonly number[]
  readonly groups: number
  readonly dice: Dice
  /** Chats of this person, and how they look from here. */
  anyChat(): ChatId | undefined
  peer(chat: ChatId): Peer
  /** When something that is scheduled now is due. */
  dueAtMs(): number
  own(what: string, run: (me: Ref<User>, origin: Origin) => Promise<unknown>): Promise<void>
  ask(what: string, chat: ChatId, run: (ref: Ref<Chat>, asked: Asked) => Promise<Outcome>): Promise<unknown>
  askForMany(
    what: string,
    chat: ChatId,
    run: (ref: Ref<Chat>, asked: Asked) => Promise<readonly Outcome[]>,
  ): Promise<void>
}

interface Asked {
  readonly by: number
  readonly op: string
  readonly origin: Origin
}

export function attend(affair: Affair, means: Means): Promise<unknown> | undefined {
  switch (affair) {
    case 'contact':
    case 'blockedList':
    case 'notify':
    case 'profile':
    case 'username':
    case 'clearDrafts':
      return ofAccount(affair, means)
    case 'about':
    case 'admin':
    case 'invite':
      return means.groups > 0 ? ofGroup(affair, means, groupChat(means.dice.between(1, means.groups))) : undefined
    default:
      return ofChat(affair, means)
  }
}

function ofAccount(
  affair: 'contact' | 'blockedList' | 'notify' | 'profile' | 'username' | 'clearDrafts',
  { dice, others, own, anyChat, peer }: Means,
): Promise<void> {
  const other = dice.pick(others)
  const number = dice.int(1_000)
  switch (affair) {
    case 'contact': {
      const card = { firstName: `name ${number}`, lastName: '', phone: '' }
      if (dice.chance(0.4)) {
        return own(`forget ${other}`, (me, origin) => me.deleteContacts({ users: [other], origin }))
      }
      return own(`know ${other}`, (me, origin) => me.putContacts({ contacts: [{ user: other, card }], origin }))
    }
    case 'blockedList': {
      const blocked = dice.chance(0.5)
      return own(`list ${other} as blocked: ${blocked}`, (me, origin) =>
        me.setBlocked({ user: other, blocked, origin }),
      )
    }
    case 'notify': {
      const chat = anyChat()
      const scope: PeerKey | 'users' = chat === undefined || dice.chance(0.2) ? 'users' : peerKey(peer(chat))
      const settings = dice.chance(0.3) ? {} : { muteUntil: number }
      return own(`mute ${scope}`, (me, origin) => me.setNotifySettings({ scope, settings, origin }))
    }
    case 'profile':
      return own('profile', (me, origin) => me.updateProfile({ profile: { about: `about ${number}` }, origin }))
    case 'username':
      return own('username', (me, origin) => {
        return me.setUsername({ username: dice.chance(0.2) ? '' : `user_${number}`, token: number + 1, origin })
      })
    case 'clearDrafts':
      return own('clear all drafts', (me, origin) => me.clearDrafts({ origin }))
  }
}

function ofGroup(affair: 'about' | 'admin' | 'invite', { dice, user, others, ask }: Means, chat: ChatId) {
  const number = dice.int(1_000)
  switch (affair) {
    case 'about':
      return ask(`about of ${chat}`, chat, (ref, asked) => ref.setAbout({ ...asked, about: `about ${number}` }))
    case 'admin': {
      const admin = dice.chance(0.6)
      const other = dice.pick(others)
      return ask(`${other} admin of ${chat}: ${admin}`, chat, (ref, asked) =>
        ref.setAdmin({ ...asked, user: other, admin }),
      )
    }
    case 'invite': {
      // Somebody makes a link, and somebody comes by it: here the same person, who may have left before.
      let invite: Invite | undefined
      return ask(`come to ${chat} by a link`, chat, async (ref, asked) => {
        const by = dice.pick([user, ...others])
        invite ??= await ref.exportInvite({ ...asked, by, op: `${asked.op} link`, revokePrevious: false })
        return ref.join({ ...asked, hash: invite.hash })
      })
    }
  }
}

function ofChat(
  affair: 'reorder' | 'unpinAll' | 'settleScheduled' | 'reschedule',
  means: Means,
): Promise<unknown> | undefined {
  const { dice, own, ask, anyChat, peer } = means
  const chat = anyChat()
  if (chat === undefined) return undefined
  switch (affair) {
    case 'reorder': {
      const other = anyChat()
      const order = [chat, ...(other === undefined ? [] : [other])].map(peer)
      const force = dice.chance(0.5)
      return own('reorder pinned dialogs', (me, origin) => me.reorderPinned({ order, force, origin }))
    }
    case 'unpinAll':
      return ask(`unpin all in ${chat}`, chat, (ref, asked) => ref.unpinAll(asked))
    case 'reschedule': {
      const dueAtMs = means.dueAtMs()
      const choice = dice.int(1_000)
      const text = dice.chance(0.5) ? `~${choice}` : undefined
      return ask(`reschedule something in ${chat}`, chat, async (ref, asked) => {
        const listed = await ref.scheduled({ by: asked.by })
        const one = listed[choice % Math.max(1, listed.length)]
        if (!one) return refuse('MESSAGE_ID_INVALID')
        const body = text && encodeBody({ text: `${decodeBody(one.draft.body).text.split('~')[0]}${text}` })
        return ref.reschedule({ ...asked, id: one.id, dueAtMs, ...(body && { body }) })
      })
    }
    case 'settleScheduled': {
      const action = dice.chance(0.5) ? 'post' : 'drop'
      return means.askForMany(`${action} what is scheduled in ${chat}`, chat, async (ref, asked) => {
        const ids = (await ref.scheduled({ by: asked.by })).map(({ id }) => id)
        return ids.length === 0 ? [] : ref.settleScheduled({ ...asked, ids, action })
      })
    }
  }
}
