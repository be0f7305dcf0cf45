import type { GroupInfo, GroupMember } from '../../../actors/chat/contract.js'
import type { tl } from '../../tl/index.js'
import { presentInvite } from './invite.js'
import { seconds } from './time.js'

/** How TL writes a ban without an end. */
const FOR_EVER = 2 ** 31 - 1
const NO_PHOTO: tl.RawChatPhotoEmpty = { _: 'chatPhotoEmpty' }
const FULL_ADMIN_RIGHTS: tl.RawChatAdminRights = {
  _: 'chatAdminRights',
  changeInfo: true,
  deleteMessages: true,
  banUsers: true,
  inviteUsers: true,
  pinMessages: true,
  other: true,
}
/** What the chat keeps for its admins; media of every kind may be sent as far as there are any. */
const DEFAULT_RIGHTS: tl.RawChatBannedRights = {
  _: 'chatBannedRights',
  changeInfo: true,
  pinMessages: true,
  untilDate: FOR_EVER,
}

/** TL `chat` or `chatForbidden`, as the viewer that `info` was made for may see it. */
export function presentGroup(id: number, info: GroupInfo | undefined): tl.TypeChat {
  // Anybody may ask for any number: to those who never were in the group it looks like none.
  if (!info || info.membership === 'none') return { _: 'chatForbidden', id, title: '' }
  if (info.membership === 'removed') return { _: 'chatForbidden', id, title: info.title }
  return {
    _: 'chat',
    id,
    creator: info.membership === 'creator',
    left: info.membership === 'left',
    title: info.title,
    photo: NO_PHOTO,
    participantsCount: info.memberCount,
    date: seconds(info.atMs),
    version: info.version,
    adminRights: info.membership === 'admin' || info.membership === 'creator' ? FULL_ADMIN_RIGHTS : undefined,
    defaultBannedRights: DEFAULT_RIGHTS,
  }
}

/** TL `chatParticipants`, or `chatParticipantsForbidden` for those who are not in the group. */
export function presentParticipants(info: GroupInfo): tl.TypeChatParticipants {
  if (info.members.length === 0) return { _: 'chatParticipantsForbidden', chatId: info.id }
  return {
    _: 'chatParticipants',
    chatId: info.id,
    participants: info.members.map(presentMember),
    version: info.version,
  }
}

function presentMember({ user, role, inviter, atMs }: GroupMember): tl.TypeChatParticipant {
  if (role === 'creator') return { _: 'chatParticipantCreator', userId: user }
  const name = role === 'admin' ? 'chatParticipantAdmin' : 'chatParticipant'
  return { _: name, userId: user, inviterId: inviter, date: seconds(atMs) }
}

export interface GroupFullView {
  readonly info: GroupInfo
  readonly notifySettings: tl.TypePeerNotifySettings
  /** The viewer's own id of the message pinned last. */
  readonly pinnedId: number | undefined
  readonly hasScheduled: boolean
}

/** TL `chatFull`. */
export function presentGroupFull({ info, notifySettings, pinnedId, hasScheduled }: GroupFullView): tl.RawChatFull {
  return {
    _: 'chatFull',
    id: info.id,
    hasScheduled,
    about: info.about,
    participants: presentParticipants(info),
    notifySettings,
    exportedInvite: info.invite && presentInvite(info.invite),
    pinnedMsgId: pinnedId,
    availableReactions: { _: 'chatReactionsAll' },
  }
}
