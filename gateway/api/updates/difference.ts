import type { Difference } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { presentChanges, viewerOf } from '../envelope.js'
import { refuseCall } from '../errors.js'
import { countShown } from '../messages/answer.js'
import { method } from '../method.js'
import { PeerSet } from '../peer-set.js'
import { presentMessage } from '../present/message.js'
import { seconds } from '../present/time.js'
import { presentState } from './state.js'

/** Changes that one answer carries; a client asks again for the rest. */
const SLICE = 500
const MAX_SLICE = 1000

/** Asked again this often while pushes of later changes overtake the answer. */
const OVERTAKEN_TIMES = 3

export const getDifference = method('updates.getDifference', { auth: 'user' }, async (request, call) => {
  const { pts, date } = request
  if (!(pts >= 0) || !(date >= 0)) refuseCall('PERSISTENT_TIMESTAMP_INVALID')
  const { maxDifferenceEntries } = call.services.config
  const { ptsTotalLimit = maxDifferenceEntries, ptsLimit = SLICE } = request
  const asked = {
    pts,
    date,
    limit: within(ptsLimit, 1, MAX_SLICE),
    totalLimit: within(ptsTotalLimit, 1, maxDifferenceEntries),
  }
  const { pushes } = call.services
  let isCovered = pushes.pushedPts(call.session) >= 0
  let difference = await call.me.difference(asked)
  // What was pushed before the answer is dropped by a client that waits for it: the answer must not be older. Nor may it
  // be older than the moment from which on this session is pushed to, of which changes without a number tell nothing.
  for (let times = 0; times < OVERTAKEN_TIMES && difference.kind !== 'slice'; times++) {
    const pushed = pushes.pushedPts(call.session)
    if (pushed <= difference.pts && isCovered === pushed >= 0) break
    isCovered = pushed >= 0
    difference = await call.me.difference(asked)
  }
  if (difference.kind !== 'slice') pushes.sawState(call.session, difference.pts)
  return present(call, difference)
})

function within(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}

async function present(call: Call, difference: Difference): Promise<tl.updates.TypeDifference> {
  if (difference.kind === 'tooLong') return { _: 'updates.differenceTooLong', pts: difference.pts }
  if (difference.kind === 'empty') {
    return { _: 'updates.differenceEmpty', date: seconds(difference.atMs), seq: 0 }
  }
  countShown(call, difference.messages)
  const named = new PeerSet()
  const newMessages = difference.messages.map((message) => presentMessage(message, call.self, named))
  const others = await presentChanges(call.services, viewerOf(call), difference.others, false, named)
  const shared = {
    newMessages,
    newEncryptedMessages: [],
    otherUpdates: others.updates.flat(),
    chats: others.people.chats,
    users: others.people.users,
  }
  if (difference.kind === 'slice') {
    return { _: 'updates.differenceSlice', ...shared, intermediateState: presentState(difference) }
  }
  const { unread } = await call.me.boxState()
  return { _: 'updates.difference', ...shared, state: presentState(difference, unread) }
}
