import { ActorError, type Clock } from '../../runtime/index.js'

interface Waiting {
  readonly bytes: number
  readonly sinceMs: number
  readonly enter: () => void
  readonly refuse: (error: ActorError) => void
}

/**
 * Lets so many requests through at a time; the others wait in order, bounded in count, bytes and age. What is refused was
 * never sent: STORE_UNAVAILABLE.
 */
export class Gate {
  readonly #clock: Clock
  readonly #limits: { readonly queuedRequests: number; readonly queuedBytes: number; readonly queuedForMs: number }
  /** Asked each time: it follows the number of nodes that are up. */
  readonly #mostInside: () => number
  readonly #queue: Waiting[] = []
  #first = 0
  #queuedBytes = 0
  #inside = 0
  refused = 0

  constructor(
    clock: Clock,
    limits: { readonly queuedRequests: number; readonly queuedBytes: number; readonly queuedForMs: number },
    mostInside: () => number,
  ) {
    this.#clock = clock
    this.#limits = limits
    this.#mostInside = mostInside
  }

  get inside(): number {
    return this.#inside
  }

  get queued(): number {
    return this.#queue.length - this.#first
  }

  run<T>(bytes: number, request: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#mostInside() && this.queued === 0) return this.#go(request)
    const { queuedRequests, queuedBytes } = this.#limits
    if (this.queued >= queuedRequests || this.#queuedBytes + bytes > queuedBytes) {
      this.refused++
      return Promise.reject(overloaded())
    }
    return new Promise<void>((enter, refuse) => {
      this.#queuedBytes += bytes
      this.#queue.push({ bytes, sinceMs: this.#clock.monotonic(), enter, refuse })
    }).then(() => this.#entered(request))
  }

  /** The place was taken in `#next` already. */
  async #entered<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } finally {
      this.#leave()
    }
  }

  #go<T>(request: () => Promise<T>): Promise<T> {
    this.#inside++
    return this.#entered(request)
  }

  #leave(): void {
    this.#inside--
    while (this.queued > 0 && this.#inside < this.#mostInside()) this.#next()
  }

  #next(): void {
    const { bytes, sinceMs, enter, refuse } = this.#queue[this.#first]!
    this.#first++
    if (this.#first > 1_000 && this.#first * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#first)
      this.#first = 0
    }
    this.#queuedBytes -= bytes
    if (this.#clock.monotonic() - sinceMs > this.#limits.queuedForMs) {
      this.refused++
      refuse(overloaded())
      return
    }
    this.#inside++
    enter()
  }
}

function overloaded(): ActorError {
  return new ActorError(
    'STORE_UNAVAILABLE',
    'Cassandra is overloaded: too many requests wait already. Nothing was sent.',
    {
      reason: 'OVERLOADED',
      retryAfterMs: 1_000,
    },
  )
}
