import type { BoxChange } from '../../actors/user/changes.js'
import type { LiveNews } from '../../actors/user/contract.js'

export interface PendingLimits {
  readonly changesPerAccount: number
  readonly newsPerAccount: number
  /** Bodies that wait to be presented, all accounts together. */
  readonly bytes: number
}

export const defaultPendingLimits: PendingLimits = {
  changesPerAccount: 1000,
  newsPerAccount: 50,
  bytes: 128 * 1024 * 1024,
}

/** Bytes that wait on behalf of all accounts. */
export class PendingBytes {
  held = 0
}

/** What was taken in for one account and not yet presented, within bounds. */
export class Pending {
  readonly #limits: PendingLimits
  readonly #all: PendingBytes
  #changes: BoxChange[] = []
  #news: LiveNews[] = []
  #bytes = 0

  constructor(limits: PendingLimits, all: PendingBytes) {
    this.#limits = limits
    this.#all = all
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0 && this.#news.length === 0
  }

  /** False when there is no room: then nothing is taken. */
  add(change: BoxChange): boolean {
    const bytes = sizeOf(change)
    if (this.#changes.length >= this.#limits.changesPerAccount) return false
    if (this.#all.held + bytes > this.#limits.bytes) return false
    this.#changes.push(change)
    this.#bytes += bytes
    this.#all.held += bytes
    return true
  }

  /** News that find no room are dropped: they are worth nothing later. */
  addNews(news: LiveNews): void {
    if (this.#news.length < this.#limits.newsPerAccount) this.#news.push(news)
  }

  takeChanges(): readonly BoxChange[] {
    const taken = this.#changes
    this.#all.held -= this.#bytes
    this.#bytes = 0
    this.#changes = []
    return taken
  }

  takeNews(): readonly LiveNews[] {
    const taken = this.#news
    this.#news = []
    return taken
  }
}

function sizeOf({ body, fact }: BoxChange): number {
  return 256 + (body?.length ?? 0) + (fact.type === 'deleted' ? fact.ids.length * 16 : 0)
}
