import type { Invite } from '../../../actors/chat/contract.js'
import type { tl } from '../../tl/index.js'
import { seconds } from './time.js'

const LINK = 'https://t.me/+'

/** TL `chatInviteExported`. */
export function presentInvite(invite: Invite): tl.RawChatInviteExported {
  return {
    _: 'chatInviteExported',
    revoked: invite.revoked,
    permanent: invite.permanent,
    link: `${LINK}${invite.hash}`,
    adminId: invite.by,
    date: seconds(invite.atMs),
    expireDate: invite.expiresAtMs === undefined ? undefined : seconds(invite.expiresAtMs),
    usageLimit: invite.usageLimit,
    usage: invite.usage,
    title: invite.title,
  }
}
