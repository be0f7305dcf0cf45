import type { ChatId } from '../actors/chat/chat-id.js'
import type { BoxChange } from '../actors/user/changes.js'

/** One message that a client set out to send; its text is used once in the whole world. */
export interface Sending {
  readonly by: number
  readonly chat: ChatId
  readonly text: string
  readonly dueAtMs?: number
  /** Entry and box id of every answer. */
  readonly answers: { readonly n: number; readonly id: number }[]
  refusal?: string
}

export interface Seen {
  readonly what: string
  readonly where: string
}

export interface OwnDeletion {
  readonly user: number
  readonly chat: ChatId
  /** Both inclusive. */
  readonly from: number
  readonly upTo: number
  isAnswered: boolean
}

/** What clients asked for, were answered and were told: all that the checker may hold the server to. */
export class Ledger {
  readonly sendings: Sending[] = []
  /** account -> "pts.ordinal" -> what stood there */
  readonly #seen = new Map<number, Map<string, Seen>>()
  /** Entries that an account asked to delete for itself: they may be gone, and are once that was answered. */
  readonly ownDeletions: OwnDeletion[] = []
  /** Messages that their authors were told of as scheduled. */
  readonly scheduled: { readonly by: number; readonly chat: ChatId; readonly id: number }[] = []
  /** What each answer took, by the device's clock. */
  readonly waitsMs: number[] = []
  /** Nothing that was scheduled for this run is due later. */
  lastDueMs = 0
  readonly violations: string[] = []
  /** Requests that had to be asked again, though the connection held. */
  unanswered = 0

  violated(invariant: string, what: string): void {
    if (this.violations.length < 20) this.violations.push(`${invariant}: ${what}`)
  }

  /** A change that reached a client, by whatever way. */
  observe(user: number, change: BoxChange, where: string): void {
    const { pts, ordinal, count, atMs, fact } = change
    const what = `${fact.type} x${count} at ${atMs}`
    const key = `${pts}.${ordinal}`
    const seen = this.seenBy(user)
    const before = seen.get(key)
    if (before === undefined) seen.set(key, { what, where })
    else if (before.what !== what) {
      this.violated(
        'invariant 5 (nothing early)',
        `account ${user} was told ${before.what} as ${key} by ${before.where}, then ${what} by ${where}`,
      )
    }
  }

  seenBy(user: number): Map<string, Seen> {
    let seen = this.#seen.get(user)
    if (seen === undefined) {
      seen = new Map()
      this.#seen.set(user, seen)
    }
    return seen
  }

  answered(sending: Sending, n: number, changes: readonly BoxChange[]): void {
    const own = changes.find(({ fact }) => fact.type === 'message')
    const answer = { n, id: own?.pts ?? 0 }
    const first = sending.answers[0]
    if (first && (first.n !== answer.n || (first.id !== answer.id && first.id !== 0 && answer.id !== 0))) {
      this.violated(
        'invariant 3 (once)',
        `${sending.text} was answered with ${JSON.stringify(first)} and with ${JSON.stringify(answer)}`,
      )
    }
    sending.answers.push(answer)
  }
}
