import { ActorError, type Journal, type JournalStore } from '../../runtime/index.js'

/**
 * A store under one owner, of whom several parts of this process open journals one after another: each opening has a higher
 * attempt than the one before (CORE J3).
 */
export function withAttempts(journals: JournalStore): JournalStore {
  let attempt = 0
  return {
    open: (actor, request) => journals.open(actor, { ...request, attempt: ++attempt }),
  }
}

/** The same journals for reading: what would change them is refused with STORE_UNAVAILABLE. */
export function readOnly(journals: JournalStore): JournalStore {
  return {
    async open(actor, request) {
      const opened = await journals.open(actor, request)
      return { ...opened, journal: reading(opened.journal) }
    },
  }
}

function reading(journal: Journal): Journal {
  const refused = () => Promise.reject(new ActorError('STORE_UNAVAILABLE', 'These journals are only read.'))
  return {
    commit: refused,
    checkpoint: refused,
    erase: refused,
    read: (after, toPts, limit) => journal.read(after, toPts, limit),
    readAt: (pts) => journal.readAt(pts),
    scan: (scan) => journal.scan(scan),
    get: (table, group, order) => journal.get(table, group, order),
    close: () => journal.close(),
  }
}
