import type { Origin } from './contract.js'
import type { ChatEntry } from './fact.js'

export interface KeptEntry {
  readonly entry: ChatEntry
  /** The session that asked, while it waits for the answer; not known of entries that were read back. */
  readonly origin: Origin | undefined
}

/** The newest entries of a chat, consecutive, in bounds of count and bytes. */
export class KeptEntries {
  readonly #mostEntries: number
  readonly #mostBytes: number
  #kept: KeptEntry[] = []
  #bytes = 0

  constructor(mostEntries: number, mostBytes: number) {
    this.#mostEntries = mostEntries
    this.#mostBytes = mostBytes
  }

  push(kept: KeptEntry): void {
    this.#kept.push(kept)
    this.#bytes += bytesOf(kept)
    while (this.#kept.length > this.#mostEntries || this.#bytes > this.#mostBytes) {
      const dropped = this.#kept.shift()
      if (!dropped) break
      this.#bytes -= bytesOf(dropped)
    }
  }

  /** Entries after `w` up to `target`; undefined when the first of them is not kept. */
  between(w: number, target: number): readonly KeptEntry[] | undefined {
    const first = this.#kept[0]?.entry.n
    if (first === undefined || first > w + 1) return undefined
    return this.#kept.slice(w + 1 - first, target + 1 - first)
  }

  at(n: number): KeptEntry | undefined {
    const first = this.#kept[0]?.entry.n
    return first === undefined ? undefined : this.#kept[n - first]
  }

  forgetUpTo(n: number): void {
    const first = this.#kept[0]?.entry.n
    if (first === undefined || first > n) return
    if (n + 1 - first >= this.#kept.length) {
      this.#kept = []
      this.#bytes = 0
      return
    }
    this.#kept = this.#kept.slice(n + 1 - first)
    this.#bytes = this.#kept.reduce((sum, kept) => sum + bytesOf(kept), 0)
  }
}

function bytesOf({ entry }: KeptEntry): number {
  return entry.body?.length ?? 0
}
