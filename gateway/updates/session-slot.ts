import type { Session } from '../mtproto/index.js'
import type { Attachment } from './attachment.js'

/** What is kept of a live session, in its own slot. */
export class SessionSlot {
  readonly attachment: Attachment
  /** All after this pts is pushed to the session; -1 until the account's actor knows of it. */
  coveredFrom = -1
  /** The last pts pushed to it. */
  pushedPts = -1
  /** The state that the client was last answered with; -1: it never asked. */
  statePts = -1

  constructor(attachment: Attachment) {
    this.attachment = attachment
  }
}

export function slotOf(session: Session): SessionSlot | undefined {
  return session.attachment instanceof SessionSlot ? session.attachment : undefined
}
