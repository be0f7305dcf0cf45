import { decode, encode, errorCode, type NodeIncarnation } from '../../runtime/index.js'

/** What a node does at the moment. */
export interface NodeLoad {
  /** Cores that the process may use. */
  readonly cores: number
  /** Its share of the shards beside other nodes. */
  readonly weight: number
  /** Cores in use since the last heartbeat: 0.5 is half of one. */
  readonly cpu: number
  /** How late the event loop was at worst since the last heartbeat, milliseconds. */
  readonly loopLagMs: number
  readonly callsPerSecond: number
  /** Actors in memory. */
  readonly residents: number
  /** Clients' connections. */
  readonly connections: number
}

export interface Heartbeat extends NodeIncarnation {
  /** 1, 2, 3, ... of this incarnation. */
  readonly sequence: number
  /** The newest view of the register that it has read. */
  readonly view: number
  readonly load: NodeLoad
  /** It has no lease at the moment: nothing that it does counts. */
  readonly isHalted: boolean
}

const version = 1
/** A heartbeat takes about 120 bytes. */
const mostBytes = 1_024

export function encodeHeartbeat({ node, incarnation, sequence, view, load, isHalted }: Heartbeat): Uint8Array {
  const { cores, weight, cpu, loopLagMs, callsPerSecond, residents, connections } = load
  const figures = [cores, weight, cpu, loopLagMs, callsPerSecond, residents, connections]
  return encode([version, node, incarnation, sequence, view, figures, isHalted])
}

/** Undefined: no heartbeat as this version knows it. Members that a newer version adds are ignored. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat | undefined {
  const list = decodedList(bytes, mostBytes)
  if (list === undefined) return undefined
  const [kind, node, incarnation, sequence, view, figures, isHalted] = list
  if (kind !== version || !isName(node) || !isName(incarnation) || !isCount(sequence) || !isCount(view))
    return undefined
  if (!Array.isArray(figures) || figures.length < 7 || !figures.every(isFigure)) return undefined
  const [cores, weight, cpu, loopLagMs, callsPerSecond, residents, connections] = figures as number[] as Seven
  const load = { cores, weight, cpu, loopLagMs, callsPerSecond, residents, connections }
  // A version before this did not say it.
  return { node, incarnation, sequence, view, load, isHalted: isHalted === true }
}

/** The members of a list that another node has sent; undefined when it is none, or too long. */
export function decodedList(bytes: Uint8Array, mostBytes: number): readonly unknown[] | undefined {
  if (bytes.length > mostBytes) return undefined
  try {
    const value = decode(bytes)
    return Array.isArray(value) ? value : undefined
  } catch (error) {
    if (errorCode(error) === 'CORRUPT') return undefined
    throw error
  }
}

type Seven = [number, number, number, number, number, number, number]
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 200
const isFigure = (value: unknown) => typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
