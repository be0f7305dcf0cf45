import type { ChatId } from '../chat/chat-id.js'
import { messageRow } from './box-rows.js'
import type { EntryInBox } from './contract.js'
import { deliveredTo } from './devices.js'
import { laneOf } from './dialogs.js'
import type { UserReading } from './shape.js'

/** Where a chat's entry stands on the last part of its way: in the box, and on its devices. */
export async function whereabouts(
  self: UserReading,
  { chat, n }: { readonly chat: ChatId; readonly n: number },
): Promise<EntryInBox> {
  const row = await messageRow(self, chat, n)
  const acknowledged = new Map(deliveredTo(self).map(({ authKey, pts }) => [authKey, pts]))
  const devices = (self.state.authorizations ?? []).map(({ authKey }) => ({
    authKey,
    pts: acknowledged.get(authKey) ?? 0,
  }))
  const gateways = [...(self.memory.attachments?.keys() ?? [])]
  return { lane: laneOf(self.state, chat), gateways, devices, ...(row && { id: row.id }) }
}
