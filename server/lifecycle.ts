import type { Clock } from '../runtime/index.js'
import type { Log } from './logging.js'

/** Something that is started and stopped with the server. */
export interface Part {
  readonly name: string
  start?(): Promise<void>
  /** Finishes what is under way. Called only when `start` succeeded or there is none. */
  stop?(): Promise<void>
}

/** Parts in the order in which they start; they stop in the opposite one. */
export interface Lifecycle {
  /** Starts all; when one fails, those before it are stopped and the error is thrown. */
  start(): Promise<void>
  /**
   * Stops all that were started; a part that fails or does not end within what is left of the grace is logged and left
   * behind. Gives true when all ended well.
   */
  stop(graceMs: number): Promise<boolean>
}

export function lifecycle(parts: readonly Part[], clock: Clock, log: Log): Lifecycle {
  const started: Part[] = []

  async function stop(graceMs: number): Promise<boolean> {
    const until = clock.monotonic() + graceMs
    let allWell = true
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      const outcome = await ended(part, clock, Math.max(0, until - clock.monotonic()))
      if (outcome === 'ended') continue
      allWell = false
      log.error(
        { part: part.name, err: outcome === 'late' ? undefined : outcome.failed },
        'a part did not stop in order',
      )
    }
    return allWell
  }

  return {
    async start() {
      for (const part of parts) {
        try {
          await part.start?.()
        } catch (error) {
          await stop(stopAfterFailureMs)
          throw error
        }
        started.push(part)
      }
    },
    stop,
  }
}

const stopAfterFailureMs = 5_000

function ended(part: Part, clock: Clock, withinMs: number): Promise<'ended' | 'late' | { failed: unknown }> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(withinMs, () => resolve('late'))
    const stopped = Promise.resolve().then(() => part.stop?.())
    stopped
      .then(
        () => resolve('ended'),
        (failed: unknown) => resolve({ failed }),
      )
      .finally(() => timer.cancel())
  })
}
