import type { ActivationReport, NodeLoad, NodeReport, NodeSource, TurnWatch } from '../../cluster/index.js'
import type { Clock, SystemInspection } from '../../runtime/index.js'
import type { Metrics } from '../metrics.js'

export interface NodeFiguresOptions {
  readonly node: string
  readonly version: string
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'totals' | 'actorFigures' | 'refused'>
  readonly watch: TurnWatch
  readonly load: () => NodeLoad
  readonly oldestWaitMs: () => number
  readonly sizes: () => {
    readonly connections: number
    readonly sessions: number
    readonly actors: number
    readonly pendingBytes: number
  }
  /** The newest view that this node goes by. */
  readonly view: () => number
  readonly phases: () => Readonly<Record<string, number>>
  readonly inspection: SystemInspection
}

const hotActors = 20

/** What this node tells operators of itself. */
export function nodeFigures(options: NodeFiguresOptions): NodeSource {
  const { node, version, clock, metrics, watch } = options
  const startedMs = clock.monotonic()

  function report(): NodeReport {
    const { connections, sessions, actors: residents, pendingBytes: pendingPushBytes } = options.sizes()
    const { kinds, waits, parked } = metrics.actorFigures()
    const refusals = [...metrics.refused().values()].reduce((sum, count) => sum + count, 0)
    const queued = kinds.reduce((sum, kind) => sum + kind.queued, 0)
    return {
      node,
      version,
      upMs: clock.monotonic() - startedMs,
      view: options.view(),
      load: options.load(),
      sums: { ...metrics.totals(), refusals },
      sizes: { connections, sessions, residents, queued, parked, pendingPushBytes },
      oldestWaitMs: options.oldestWaitMs(),
      waits,
      phases: options.phases(),
      kinds,
      hot: watch.hot(hotActors),
    }
  }

  return {
    report,
    actors: ({ kind, limit }) => watch.hot(limit, kind),
    activation: (kind, key) => activationOf(options.inspection, kind, key),
    trace: (traceId, most) => watch.trace(traceId, most),
    turnsOf: (actor, most) => watch.turnsOf(actor, most),
  }
}

function activationOf(inspection: SystemInspection, kind: string, key: string): ActivationReport | undefined {
  const report = inspection.actor(kind, key)
  if (report === undefined) return undefined
  const { resident, lastError } = report
  return { ...(resident && { resident }), ...(lastError && { lastError }) }
}
