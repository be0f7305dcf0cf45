import { peerKey } from '../../../actors/chat/chat-id.js'
import type { NotifyScope, NotifySettings } from '../../../actors/user/changes.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { peerOf } from '../input/peer.js'
import { method } from '../method.js'
import { presentNotifySettings } from '../present/dialog.js'

type InputNotifyPeer = tl.TypeInputNotifyPeer

async function scopeOf(call: Call, peer: InputNotifyPeer): Promise<NotifyScope> {
  switch (peer._) {
    case 'inputNotifyPeer':
      return peerKey(await peerOf(call, peer.peer))
    case 'inputNotifyUsers':
      return 'users'
    case 'inputNotifyChats':
      return 'chats'
    case 'inputNotifyBroadcasts':
      return 'broadcasts'
    default:
      return refuseCall('PEER_ID_INVALID')
  }
}

export const getNotifySettings = method('account.getNotifySettings', { auth: 'user' }, async ({ peer }, call) =>
  presentNotifySettings(await call.me.notifySettings(await scopeOf(call, peer))),
)

export const updateNotifySettings = method(
  'account.updateNotifySettings',
  { auth: 'user' },
  async ({ peer, settings: { showPreviews, silent, muteUntil } }, call) => {
    if (muteUntil !== undefined && muteUntil < 0) return refuseCall('SETTINGS_INVALID')
    const settings: NotifySettings = {
      ...(showPreviews !== undefined && { showPreviews }),
      ...(silent !== undefined && { silent }),
      ...(muteUntil !== undefined && { muteUntil }),
    }
    await call.me.setNotifySettings({ scope: await scopeOf(call, peer), settings, origin: call.origin })
    return true
  },
)
