import type { Clock } from '../runtime/index.js'

/** The verdict, for a machine (`ok`) and a person (`checks`: what is wrong, or `ok`). */
export interface Verdict {
  readonly ok: boolean
  readonly checks: Readonly<Record<string, string>>
}

/** Where health looks. */
export interface HealthSources {
  readonly clock: Clock
  /** Age of the oldest turn that runs or call that waits, in milliseconds. */
  oldestWaitMs(): number
  /** Resolves when the store has answered a read. */
  storeAnswers(): Promise<void>
  /** What else has to be `ok`. */
  checks?(): Readonly<Record<string, string>>
}

export interface Health {
  /** Whether the process does its work; a supervisor restarts it when not. */
  live(): Verdict
  /** Whether clients may be sent here: everything listens, the store answers, no stop is under way. */
  ready(): Promise<Verdict>
  /** Everything listens from here on. */
  listening(): void
  /** A stop began: not ready any more, still alive. */
  stopping(): void
  /** Ends the watch on the event loop. */
  close(): void
}

/** A turn may take a store's slow answer and a call's whole deadline; what is older than this is stuck. */
const stuckAfterMs = 60_000
const heartbeatEveryMs = 1_000
/** The loop has to come round within this; garbage collection of a large heap takes a tenth of it. */
const maxLoopDelayMs = 5_000
const storeAnswersWithinMs = 2_000

/** Health that knows whether turns make progress, not only that the process exists. */
export function createHealth(sources: HealthSources): Health {
  const { clock } = sources
  let phase: 'starting' | 'listening' | 'stopping' = 'starting'
  let loopDelayMs = 0
  let heartbeat = beat()

  function beat() {
    const dueAt = clock.monotonic() + heartbeatEveryMs
    return clock.setTimer(heartbeatEveryMs, () => {
      loopDelayMs = clock.monotonic() - dueAt
      heartbeat = beat()
    })
  }

  return {
    live: () =>
      verdict({
        eventLoop: loopDelayMs <= maxLoopDelayMs ? 'ok' : `came round ${Math.round(loopDelayMs)} ms late`,
        turns:
          sources.oldestWaitMs() <= stuckAfterMs ? 'ok' : `the oldest waits ${Math.round(sources.oldestWaitMs())} ms`,
      }),
    async ready() {
      return verdict({
        listeners: phase === 'listening' ? 'ok' : phase,
        ...sources.checks?.(),
        store: await within(clock, storeAnswersWithinMs, sources.storeAnswers()),
      })
    },
    listening() {
      if (phase === 'starting') phase = 'listening'
    },
    stopping() {
      phase = 'stopping'
    },
    close() {
      heartbeat.cancel()
    },
  }
}

function verdict(checks: Readonly<Record<string, string>>): Verdict {
  return { ok: Object.values(checks).every((state) => state === 'ok'), checks }
}

function within(clock: Clock, limitMs: number, answer: Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(limitMs, () => resolve(`no answer in ${limitMs} ms`))
    answer
      .then(
        () => resolve('ok'),
        (error: unknown) => resolve(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => timer.cancel())
  })
}
