import { implement } from '../../runtime/index.js'
import { accountMethods } from './account-methods.js'
import { isAttached } from './attachments.js'
import { boxMethods, readingMethods } from './box-methods.js'
import { deriveRows } from './box-rows.js'
import { User } from './contract.js'
import { countOf } from './entry.js'
import { emptyMemory } from './memory.js'
import { contactMethods, deviceMethods } from './people-methods.js'
import type { UserShape } from './shape.js'
import { applyEntry, emptyUser, STATE_VERSION } from './state.js'

/** The user actor: an account and its box. */
export const userActor = implement<UserShape>({
  type: User,
  state: { version: STATE_VERSION, initial: emptyUser, apply: applyEntry },
  count: countOf,
  derive: deriveRows,
  memory: emptyMemory,
  methods: { ...boxMethods, ...readingMethods, ...accountMethods, ...contactMethods, ...deviceMethods },
  mayPassivate: ({ memory, nowMs }) => !isAttached(memory, nowMs) && memory.onlineUntilMs <= nowMs,
})
