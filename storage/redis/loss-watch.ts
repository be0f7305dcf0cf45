/**
 * Notices that Redis may have lost what was written to it.
 *
 * W1. It did not answer for a while, or a mark that this process left in it is gone (flushed, started empty, failed over to a
 *     replica that was behind): all is written again at once.
 * W2. It is full and gives up keys to make room, ours or others': all is written again once it has stopped, at most once in a
 *     while. Until then that would only drive out more; what is renewed or said anew is written anyway.
 */
import type { ActorLog, Clock, Timer } from '../../runtime/index.js'
import { command, run, script } from './redis-command.js'
import type { RedisLink } from './redis-link.js'

export interface LossWatchOptions {
  readonly link: RedisLink
  readonly clock: Clock
  readonly log: ActorLog
  /** This process's own. */
  readonly mark: string
  readonly everyMs: number
  /** That Redis is full is logged so often at most. */
  readonly complainEveryMs: number
}

const MARK_MS = 3_600_000

/** Between two times that all is written again because Redis was full (W2). */
const FULL_REST_MS = 60_000

/** KEYS: the mark. ARGV: its time in ms. Gives whether it is there, and the keys that the server gave up since it started. */
const look = script(`
local found = redis.call('GETEX', KEYS[1], 'PX', ARGV[1])
local stats = redis.pcall('INFO', 'stats')
local evicted = type(stats) == 'string' and string.match(stats, 'evicted_keys:(%d+)')
return {found and 1 or 0, tonumber(evicted or 0)}
`)

export class LossWatch {
  readonly #options: LossWatchOptions
  readonly #listeners: (() => void)[] = []
  #timer: Timer | undefined
  #away = false
  /** Keys were given up since all was written. */
  #isIncomplete = false
  /** As the server said last. */
  #evicted: number | undefined
  #evictedSum = 0
  #restsUntilMs = Number.NEGATIVE_INFINITY
  #complainsAtMs = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: LossWatchOptions) {
    this.#options = options
    this.#later()
  }

  /** Keys, anybody's, that the server with the mark gave up for lack of room, since this process began to look. */
  get evicted(): number {
    return this.#evictedSum
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
    const { link, mark, clock } = this.#options
    const [answer] = await link.ask([run(look, [mark], [MARK_MS])])
    if (answer === undefined) {
      this.#away = true
      return
    }
    const [found, evicted] = answer as readonly [number, number]
    const isEvicting = this.#countEvicted(evicted)
    this.#isIncomplete ||= isEvicting
    // A full Redis takes no mark, and nothing else: then there is no use in writing all again.
    if (found === 0 && (await link.ask([command('set', mark, 1, 'PX', MARK_MS)]))[0] !== 'OK') return
    if (this.#away || (found === 0 && !isEvicting)) return this.#rewrite()
    const nowMs = clock.monotonic()
    if (!this.#isIncomplete || isEvicting || nowMs < this.#restsUntilMs) return
    this.#restsUntilMs = nowMs + FULL_REST_MS
    this.#rewrite()
  }

  #rewrite(): void {
    this.#away = false
    this.#isIncomplete = false
    for (const listener of this.#listeners) listener()
  }

  /** True when keys were given up since the last look; a server that was started again counts from 0. */
  #countEvicted(evicted: number): boolean {
    const since = evicted - (this.#evicted ?? evicted)
    this.#evicted = evicted
    if (since <= 0) return false
    this.#evictedSum += since
    const { clock, log, complainEveryMs } = this.#options
    const nowMs = clock.monotonic()
    if (nowMs >= this.#complainsAtMs) {
      this.#complainsAtMs = nowMs + complainEveryMs
      log.warn({ keys: since }, 'Redis is full and gives up keys; going on without them')
    }
    return true
  }
}
