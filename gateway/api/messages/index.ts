import type { Method } from '../method.js'
import { deleteHistory, deleteMessages } from './deletion.js'
import {
  getDialogFilters,
  getDialogs,
  getDialogUnreadMarks,
  getPeerDialogs,
  getPinnedDialogs,
  markDialogUnread,
  reorderPinnedDialogs,
  toggleDialogPin,
} from './dialogs.js'
import { clearAllDrafts, getAllDrafts, saveDraft } from './drafts.js'
import { forwardMessages } from './forward.js'
import { getChats, getFullChat } from './group-info.js'
import { addChatUser, createChat, deleteChatUser, editChatAbout, editChatAdmin, editChatTitle } from './groups.js'
import { checkChatInvite, exportChatInvite, importChatInvite } from './invites.js'
import { unpinAllMessages, updatePinnedMessage } from './pins.js'
import { getAvailableReactions, getMessageReactionsList, getMessagesReactions, sendReaction } from './reactions.js'
import { getHistory, getMessageEditData, getMessages, getUnreadMentions, search } from './read.js'
import { readHistory, readMentions, receivedMessages } from './reading.js'
import {
  deleteScheduledMessages,
  getScheduledHistory,
  getScheduledMessages,
  sendScheduledMessages,
} from './scheduled.js'
import { editMessage, sendMessage } from './send.js'
import { setTyping } from './typing.js'

export const messagesMethods: readonly Method[] = [
  addChatUser,
  checkChatInvite,
  clearAllDrafts,
  createChat,
  deleteChatUser,
  deleteHistory,
  deleteMessages,
  deleteScheduledMessages,
  editChatAbout,
  editChatAdmin,
  editChatTitle,
  editMessage,
  exportChatInvite,
  forwardMessages,
  getAllDrafts,
  getAvailableReactions,
  getChats,
  getDialogFilters,
  getDialogUnreadMarks,
  getDialogs,
  getFullChat,
  getHistory,
  getMessageEditData,
  getMessageReactionsList,
  getMessages,
  getMessagesReactions,
  getPeerDialogs,
  getPinnedDialogs,
  getScheduledHistory,
  getScheduledMessages,
  getUnreadMentions,
  importChatInvite,
  markDialogUnread,
  readHistory,
  readMentions,
  receivedMessages,
  reorderPinnedDialogs,
  saveDraft,
  search,
  sendMessage,
  sendReaction,
  sendScheduledMessages,
  setTyping,
  toggleDialogPin,
  unpinAllMessages,
  updatePinnedMessage,
]
