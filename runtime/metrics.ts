/** What the runtime tells about itself, per actor kind; the composition root implements it on its metrics library. */
export interface RuntimeMetrics {
  call(kind: string, method: string): void
  /** `waitMs`: from arrival to the turn's start; `runMs`: from start to the turn's end. */
  turn(kind: string, waitMs: number, runMs: number): void
  queueDepth(kind: string, change: 1 | -1): void
  activation(kind: string, change: 1 | -1): void
  refusal(kind: string, code: string): void
  commit(kind: string, entries: number, bytes: number, tookMs: number): void
}
