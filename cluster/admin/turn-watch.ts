import type { Clock, NodeId } from '../../runtime/index.js'
import type { HotActor, TracedHop } from './reports.js'

/** A turn as the runtime tells it (`ActorSystemOptions.onTurn`). */
export interface WatchedTurn {
  /** `kind/key`. */
  readonly actor: string
  readonly method: string
  readonly traceId: string
  readonly waitMs: number
  readonly runMs: number
  readonly failed: boolean
}

export interface TurnWatchLimits {
  /** The last turns, whoever's: about 200 bytes each. */
  readonly keptTurns: number
  /** Who was busy before is not hot. */
  readonly hotMs: number
}

const defaultLimits: TurnWatchLimits = { keptTurns: 16_384, hotMs: 10_000 }

interface Use {
  turns: number
  runMs: number
  waitMs: number
}

/** Remembers this node's last turns. A turn costs it two stores; all else is done for whoever asks. */
export class TurnWatch {
  readonly #clock: Clock
  readonly #node: NodeId
  readonly #limits: TurnWatchLimits
  readonly #turns: WatchedTurn[] = []
  readonly #atMs: Float64Array
  readonly #sinceMs: number
  #next = 0

  constructor(clock: Clock, node: NodeId, limits: Partial<TurnWatchLimits> = {}) {
    this.#clock = clock
    this.#node = node
    this.#limits = { ...defaultLimits, ...limits }
    this.#atMs = new Float64Array(this.#limits.keptTurns)
    this.#sinceMs = clock.now()
  }

  saw(turn: WatchedTurn): void {
    this.#turns[this.#next] = turn
    this.#atMs[this.#next] = this.#clock.now()
    this.#next = (this.#next + 1) % this.#limits.keptTurns
  }

  /** Turns that were part of this request, oldest first. */
  trace(traceId: string, most: number): TracedHop[] {
    return this.#last(most, (turn) => turn.traceId === traceId)
  }

  /** The last turns of an actor, oldest first. */
  turnsOf(actor: string, most: number): TracedHop[] {
    return this.#last(most, (turn) => turn.actor === actor)
  }

  /** The busiest first; of one kind, or of all. By the turns of the last seconds, or of less where those are too many. */
  hot(most: number, kind?: string): HotActor[] {
    const nowMs = this.#clock.now()
    const uses = new Map<string, Use>()
    let sinceMs = nowMs
    for (const [turn, atMs] of this.#newestFirst()) {
      if (atMs < nowMs - this.#limits.hotMs) break
      sinceMs = Math.min(sinceMs, atMs - turn.runMs)
      if (kind !== undefined && !turn.actor.startsWith(`${kind}/`)) continue
      const use = uses.get(turn.actor)
      if (use === undefined) uses.set(turn.actor, { turns: 1, runMs: turn.runMs, waitMs: turn.waitMs })
      else {
        use.turns++
        use.runMs += turn.runMs
        use.waitMs += turn.waitMs
      }
    }
    const isFull = this.#turns.length === this.#limits.keptTurns
    const spanMs = isFull ? nowMs - sinceMs : Math.min(this.#limits.hotMs, nowMs - this.#sinceMs)
    const seconds = Math.max(1, spanMs) / 1_000
    const busiest = [...uses].sort(([, one], [, other]) => other.runMs - one.runMs || other.turns - one.turns)
    return busiest.slice(0, most).map(([actor, { turns, runMs, waitMs }]) => {
      const [ofKind, key] = partsOf(actor)
      return {
        kind: ofKind,
        key,
        turnsPerSecond: turns / seconds,
        busy: runMs / seconds / 1_000,
        waitMs: waitMs / turns,
      }
    })
  }

  *#newestFirst(): Generator<readonly [WatchedTurn, number]> {
    const { keptTurns } = this.#limits
    for (let back = 1; back <= this.#turns.length; back++) {
      const at = (this.#next - back + keptTurns) % keptTurns
      yield [this.#turns[at]!, this.#atMs[at]!]
    }
  }

  #last(most: number, isMeant: (turn: WatchedTurn) => boolean): TracedHop[] {
    const found: TracedHop[] = []
    for (const [turn, atMs] of this.#newestFirst()) {
      if (!isMeant(turn)) continue
      const { actor, method, traceId, waitMs, runMs, failed } = turn
      found.push({ node: this.#node, actor, method, traceId, atMs, waitMs, runMs, failed })
      if (found.length === most) break
    }
    return found.reverse()
  }
}

/** The kind of an actor has no slash; its key may have. */
function partsOf(actor: string): [kind: string, key: string] {
  const at = actor.indexOf('/')
  return [actor.slice(0, at), actor.slice(at + 1)]
}
