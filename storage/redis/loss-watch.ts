/**
 * Notices that Redis may have lost what was written: it did not answer for a while, or a mark that this process left in it
 * is gone (flushed, started empty, failed over to a replica that was behind).
 */
import type { Clock, Timer } from '../../runtime/index.js'
import { command } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

export interface LossWatchOptions {
  readonly link: RedisLink
  readonly clock: Clock
  /** This process's own. */
  readonly mark: string
  readonly everyMs: number
}

const MARK_MS = 3_600_000

export class LossWatch {
  readonly #options: LossWatchOptions
  readonly #listeners: (() => void)[] = []
  #timer: Timer | undefined
  #away = false
  #closed = false

  constructor(options: LossWatchOptions) {
    this.#options = options
    this.#later()
  }

  onLoss(rewrite: () => void): void {
    this.#listeners.push(rewrite)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #later(): void {
    if (this.#closed) return
    const { clock, everyMs } = this.#options
    this.#timer = clock.setTimer(everyMs, () => void this.#look().then(() => this.#later()))
  }

  async #look(): Promise<void> {
    const { link, mark } = this.#options
    const [found] = await link.ask([command('getex', mark, 'PX', MARK_MS)])
    if (found === undefined) {
      this.#away = true
      return
    }
    // A full Redis takes no mark, and nothing else: then there is no use in writing all again.
    const isMarked = found !== null || (await link.ask([command('set', mark, 1, 'PX', MARK_MS)]))[0] === 'OK'
    if (!isMarked || (found !== null && !this.#away)) return
    this.#away = false
    for (const listener of this.#listeners) listener()
  }
}
