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

/** What the runtime tells about shards that change hands. */
export interface HandoverMetrics {
  /** Calls that wait for a shard without an owner. */
  parked(kind: string, change: 1 | -1): void
  /** A shard was drained. */
  released(tookMs: number): void
  /** An actor was not quiet in time when its shard was drained: what was under way has an unknown outcome. */
  gaveUp(kind: string): void
  /** A frame of an actor that was overtaken was dropped. */
  overtakenFrame(sink: string): void
}

const nothing = () => undefined

export const NO_HANDOVER_METRICS: HandoverMetrics = {
  parked: nothing,
  released: nothing,
  gaveUp: nothing,
  overtakenFrame: nothing,
}
