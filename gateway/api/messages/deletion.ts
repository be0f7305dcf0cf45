import { type ChatId, parsePeerKey } from '../../../actors/chat/chat-id.js'
import type { Asked } from '../../../actors/chat/contract.js'
import type { BoxChange } from '../../../actors/user/changes.js'
import type { Located } from '../../../actors/user/contract.js'
import { refusalReason } from '../../../runtime/index.js'
import type { Call } from '../call.js'
import { atLeastZero, messageIdsOf } from '../input/number.js'
import { method } from '../method.js'
import { affectedHistory, affectedMessages } from './answer.js'
import { asked, type Place, placeOf, repeated } from './place.js'

export const deleteMessages = method('messages.deleteMessages', { auth: 'user' }, async (request, call) => {
  const ids = messageIdsOf(request.id)
  if (request.revoke) return affectedMessages(call, await revoked(call, ids))
  return affectedMessages(call, await call.me.deleteOwn({ ids, origin: call.origin }))
})

/**
 * For everyone: each chat is asked about its own. Ids that are gone already are passed over, as Telegram does. Where the
 * caller may not, as in a group that he left, his own copies go: in the end he has none of what he named. Refused
 * (MESSAGE_DELETE_FORBIDDEN) only before anything is done: the answer of a call that did a part must tell of it.
 */
async function revoked(call: Call, ids: readonly number[]): Promise<readonly BoxChange[]> {
  const changes: BoxChange[] = []
  for (const { chat, ids: here, targets } of byChat(ids, await call.me.locate(ids))) {
    try {
      changes.push(...(await call.chat(chat).delete({ ...asked(call), targets })).changes)
    } catch (error) {
      const reason = refusalReason(error)
      if (reason === undefined || (reason === 'MESSAGE_DELETE_FORBIDDEN' && changes.length === 0)) throw error
      changes.push(...(await call.me.deleteOwn({ ids: here, origin: call.origin })))
    }
  }
  return changes
}

interface InOneChat {
  readonly chat: ChatId
  /** The caller's own ids, and the chat's. */
  readonly ids: number[]
  readonly targets: number[]
}

/** Groups come first: only they forbid one to delete what others wrote. */
function byChat(ids: readonly number[], located: readonly (Located | undefined)[]): readonly InOneChat[] {
  const chats = new Map<ChatId, InOneChat & { readonly isGroup: boolean }>()
  for (const [at, found] of located.entries()) {
    if (!found) continue
    const isGroup = parsePeerKey(found.peer).kind === 'chat'
    const here = chats.get(found.chat) ?? { chat: found.chat, ids: [], targets: [], isGroup }
    chats.set(found.chat, here)
    here.ids.push(ids[at]!)
    here.targets.push(found.n)
  }
  return [...chats.values()].sort((one, other) => Number(other.isGroup) - Number(one.isGroup))
}

/** Steps of 1000 messages that one call deletes; beyond it the client is asked to call again. */
const STEPS_PER_CALL = 20

export const deleteHistory = method(
  'messages.deleteHistory',
  {
    auth: 'user',
    flood: { burst: 300, perSecond: 10 },
    // A range of dates would have to be honoured to the message, or more is deleted than was asked for.
    unserved: { minDate: 'MIN_DATE_INVALID', maxDate: 'MAX_DATE_INVALID' },
  },
  async (request, call) => {
    const place = await placeOf(call, request.peer)
    const maxId = atLeastZero(request.maxId)
    const changes: BoxChange[] = request.revoke ? [...(await revokedHistory(call, place, maxId))] : []
    let more = true
    for (let step = 0; more && step < STEPS_PER_CALL; step++) {
      const cleared = await call.me.clearHistory({
        peer: place.peer,
        maxId,
        keepDialog: request.justClear === true,
        origin: call.origin,
      })
      changes.push(...cleared.changes)
      more = cleared.more
    }
    return affectedHistory(call, changes, more ? 1 : 0)
  },
)

/** Of everything when no newest message is named: the other side may have more than what the caller still has. */
async function revokedHistory(call: Call, { peer, chat }: Place, maxId: number): Promise<readonly BoxChange[]> {
  const newest = maxId === 0 ? Number.MAX_SAFE_INTEGER : (await call.me.locateUpTo(peer, maxId))?.n
  if (newest === undefined) return []
  let upTo = newest
  const step = async (ask: Asked) => {
    const outcome = await call.chat(chat).deleteHistory({ ...ask, upTo })
    // What is posted between the steps is newer than what the caller meant.
    if (outcome.n > 0) upTo = Math.min(upTo, outcome.n)
    return outcome
  }
  return (await repeated(call, step)).changes
}
