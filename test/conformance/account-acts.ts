import type { RawClient, TlObject } from '../harness/index.js'

/** Whom and what an account's own acts are about. */
export interface Around {
  /** InputPeer of somebody with whom the account has a dialog. */
  readonly friend: TlObject & { readonly userId: number }
  readonly group: number
}

/** Every method that changes an account besides its messages, by one call each; the rest is done by real clients. */
export async function changeAccount(dice: (sides: number) => number, raw: RawClient, around: Around): Promise<unknown> {
  const { friend, group } = around
  const number = dice(1_000_000)
  const isGroup = dice(3) === 0
  const peer: TlObject = isGroup ? { _: 'inputPeerChat', chatId: group } : friend
  const dialogPeer = { _: 'inputDialogPeer', peer }
  const user = { ...friend, _: 'inputUser' }
  const chatId = group
  const calls: readonly (() => TlObject)[] = [
    () => ({ _: 'messages.markDialogUnread', unread: dice(2) === 0, peer: dialogPeer }),
    () => ({ _: 'messages.reorderPinnedDialogs', force: dice(2) === 0, folderId: 0, order: [dialogPeer] }),
    () => ({ _: 'messages.toggleDialogPin', pinned: dice(2) === 0, peer: dialogPeer }),
    () => ({ _: 'messages.unpinAllMessages', peer }),
    () => ({ _: 'messages.readMentions', peer }),
    () => ({ _: 'messages.clearAllDrafts' }),
    () => ({
      _: 'messages.deleteHistory',
      revoke: dice(2) === 0,
      justClear: dice(2) === 0,
      peer,
      maxId: dice(3) === 0 ? 0 : 20,
    }),
    () => ({
      _: 'account.updateNotifySettings',
      peer: { _: 'inputNotifyPeer', peer },
      settings: { _: 'inputPeerNotifySettings', muteUntil: dice(2) === 0 ? 0 : 2_000_000_000 + dice(9) },
    }),
    () => ({ _: 'account.updateProfile', about: `about ${number}`, lastName: `last ${number}` }),
    () => ({ _: 'contacts.addContact', id: user, firstName: `first ${number}`, lastName: '', phone: '' }),
    () => ({ _: 'contacts.deleteContacts', id: [user] }),
    () => ({ _: 'contacts.block', id: friend }),
    () => ({ _: 'contacts.unblock', id: friend }),
    () => ({ _: 'messages.editChatTitle', chatId, title: `title ${number}` }),
    () => ({ _: 'messages.editChatAbout', peer: { _: 'inputPeerChat', chatId }, about: `about ${number}` }),
    () => ({ _: 'messages.editChatAdmin', chatId, userId: user, isAdmin: dice(2) === 0 }),
    () => ({ _: 'messages.deleteChatUser', revokeHistory: dice(2) === 0, chatId, userId: user }),
    () => ({ _: 'messages.addChatUser', chatId, userId: user, fwdLimit: 0 }),
    () => ({ _: 'messages.addChatUser', chatId, userId: user, fwdLimit: 0 }),
    () => ({ _: 'messages.exportChatInvite', peer: { _: 'inputPeerChat', chatId } }),
  ]
  return raw.call(calls[dice(calls.length)]!())
}
