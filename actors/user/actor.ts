import { implement } from '../../runtime/index.js'
import { accountMethods } from './account-methods.js'
import { isAttached } from './attachments.js'
import { boxMethods, readingMethods } from './box-methods.js'
import { deriveRows } from './box-rows.js'
import { User } from './contract.js'
import { countOf } from './entry.js'
import { emptyMemory } from './memory.js'
import { contactMethods, deviceMethods } from './people-methods.js'
import { areRecordsKept, changesRecords, keepRecords, noteRecorded, type PublicRecords } from './public-records.js'
import type { UserShape } from './shape.js'
import { applyEntry, emptyUser, STATE_VERSION } from './state.js'

/** The user actor: an account and its box. */
export function userActor(records: PublicRecords) {
  return implement<UserShape>({
    type: User,
    state: { version: STATE_VERSION, initial: emptyUser, apply: applyEntry },
    count: countOf,
    derive: deriveRows,
    memory: emptyMemory,
    methods: {
      ...boxMethods,
      ...readingMethods,
      ...accountMethods(records),
      ...contactMethods,
      ...deviceMethods(records),
    },
    timers: { recorded: noteRecorded },
    delivery: {
      owes: changesRecords,
      resume: (turn) => keepRecords(turn, records),
      settled: areRecordsKept,
    },
    mayPassivate: ({ memory, nowMs }) => !isAttached(memory, nowMs) && memory.onlineUntilMs <= nowMs,
  })
}
