import { method } from '../method.js'
import { presenceOf } from '../presence-board.js'

/** How long a client counts as online after it said so; clients say it again before that (config.online_update_period_ms). */
const ONLINE_LASTS_MS = 300_000

export const updateStatus = method('account.updateStatus', { auth: 'user' }, async ({ offline }, call) => {
  const seen = await call.me.setPresence({ onlineUntilMs: offline ? 0 : call.nowMs + ONLINE_LASTS_MS })
  if (seen.seenAtMs === 0) return true
  const { people, presence } = call.services
  presence.note(call.self, seen)
  people.notePresence(call.self, presenceOf(seen, call.nowMs))
  return true
})
