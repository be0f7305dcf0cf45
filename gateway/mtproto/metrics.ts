/** Events that the protocol counts. The composition root maps them onto its metrics library. */
export type MtprotoCounter =
  | 'connections_opened'
  | 'connections_refused'
  | 'connections_closed'
  | 'bytes_in'
  | 'bytes_out'
  | 'packets_in'
  | 'packets_out'
  | 'handshakes_started'
  | 'handshakes_done'
  | 'handshakes_failed'
  | 'handshakes_refused'
  | 'unknown_auth_keys'
  | 'bad_packets'
  | 'bad_messages'
  | 'bad_salts'
  | 'sessions_created'
  | 'sessions_ended'
  | 'rpc_calls'
  | 'rpc_repeats'
  | 'rpc_errors'
  | 'rpc_internal_errors'
  | 'rpc_overloads'
  | 'pushes'
  | 'pushes_acked'
  | 'pushes_lost'
  | 'messages_resent'
  | 'slow_readers_closed'
  | 'overdrawn_rests'
  | 'overdrawn_closed'
  | 'partial_packets_dropped'

/** `label` says which: the transport, the reason, the method. It comes from a fixed set, never from a client's text. */
export interface MtprotoMetrics {
  count(counter: MtprotoCounter, by?: number, label?: string): void
  /** One call, from its arrival to its answer. `code` is 0 for a result, otherwise the error's code. */
  rpc(method: string, tookMs: number, code: number): void
}

/** Sizes at this moment, for gauges that are read when metrics are scraped. */
export interface MtprotoSizes {
  readonly connections: number
  readonly sessions: number
  readonly sessionsConnected: number
  readonly sessionsReady: number
  readonly unfinishedHandshakes: number
  readonly dhJobsQueued: number
  readonly authKeysCached: number
  readonly callsRunning: number
  /** The part of all calls that is refused because the load is too high, from 0 to 1. */
  readonly callsRefusedPart: number
  /** What partial frames, unacknowledged messages and full sockets hold. */
  readonly bufferedBytes: number
}

export const silentMetrics: MtprotoMetrics = { count() {}, rpc() {} }
