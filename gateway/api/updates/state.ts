import type { BoxState } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import { method } from '../method.js'
import { seconds } from '../present/time.js'

/**
 * `seq` is always 0: nothing here is ordered by the outer envelope (CORE J2). `date` is the account's own time, by which
 * changes without a number are found again: the gateway's clock may be ahead of it.
 */
export function presentState({ pts, atMs }: Omit<BoxState, 'unread'>, unread = 0): tl.updates.RawState {
  return { _: 'updates.state', pts, qts: 0, date: seconds(atMs), seq: 0, unreadCount: unread }
}

/** Asked again this often while pushes of later changes overtake the answer. */
const OVERTAKEN_TIMES = 3

export const getState = method('updates.getState', { auth: 'user' }, async (_request, call) => {
  const { pushes } = call.services
  let isCovered = pushes.pushedPts(call.session) >= 0
  let state = await call.me.boxState()
  // A client that waits for its state drops what is pushed before it: the answer must not be older than that, nor than
  // the moment from which on this session is pushed to.
  for (let times = 0; times < OVERTAKEN_TIMES; times++) {
    const pushed = pushes.pushedPts(call.session)
    if (pushed <= state.pts && isCovered === pushed >= 0) break
    isCovered = pushed >= 0
    state = await call.me.boxState()
  }
  pushes.sawState(call.session, state.pts)
  return presentState(state, state.unread)
})
