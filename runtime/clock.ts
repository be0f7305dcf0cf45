/** A pending timer; cancelling twice is harmless. */
export interface Timer {
  cancel(): void
}

/** Time as the program sees it. Injected everywhere, so that a simulation can own it. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch, with or without fractions. May jump. */
  now(): number
  /** Monotonic clock, milliseconds since an arbitrary start, with or without fractions. Never goes back. */
  monotonic(): number
  /** Runs `fire` once, not before `delayMs` have passed. */
  setTimer(delayMs: number, fire: () => void): Timer
}
