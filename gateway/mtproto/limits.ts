const KIB = 1024
const MIB = 1024 * KIB
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

/** Everything that a stranger, or a client gone wrong, could make this part allocate or wait for. */
export interface MtprotoLimits {
  readonly connections: number
  readonly connectionsPerAddress: number
  /** A connection without a valid encrypted packet is closed after this long. */
  readonly unauthenticatedIdleAfterMs: number
  /** A connection that is silent for this long is closed; clients ping every minute. */
  readonly idleAfterMs: number
  /** One frame on its way in. Clients send up to 1 MiB and some overhead. */
  readonly maxFrameBytes: number
  /** What a socket may hold of unsent bytes before it is not read from any more. */
  readonly pauseReadingAtOutboundBytes: number
  /** What a socket may hold of unsent bytes before it is closed: the client catches up by difference. */
  readonly maxOutboundBytes: number
  /** What a connection may send ahead while it is not read from: TCP stops it by itself, a WebSocket does not. */
  readonly maxUnreadBytes: number
  /** Auth keys and messages of sessions that one connection may carry. */
  readonly sessionsPerConnection: number

  readonly unfinishedHandshakes: number
  readonly unfinishedHandshakesPerAddress: number
  readonly handshakeTimeoutMs: number
  /** Auth keys that one address may make in an hour: each is stored for a day at least. A hundred times as many on loopback. */
  readonly newKeysPerAddressPerHour: number
  readonly dhWorkers: number
  /** Diffie-Hellman jobs that may wait for a worker; beyond it the connection is closed and the client tries again. */
  readonly dhJobsQueued: number
  /** The longest life of a temporary key that is granted. */
  readonly temporaryKeyMaxSeconds: number

  readonly authKeysCached: number
  readonly authKeyLoadsInFlight: number
  readonly sessions: number
  readonly sessionsPerAuthKey: number
  /** How long a session without a connection is kept. */
  readonly sessionKeptMs: number
  /** Message ids of a session that are remembered to know repeats. */
  readonly seenMessagesPerSession: number
  /** Messages that wait for the client's acknowledgement, of one session. */
  readonly unackedMessages: number
  /** The same in bytes, while the session has a connection. */
  readonly unackedBytes: number
  /** The same in bytes, while it has none. */
  readonly unackedBytesDisconnected: number
  /** An unacknowledged message is forgotten after this long. */
  readonly unackedKeptMs: number
  /** Held by all packets together that have arrived in part. Above it, the largest are given up, strangers' first. */
  readonly partialPacketBytes: number
  /** Held by the sessions of one account, or by those of one address that no account is signed in on. */
  readonly bufferedBytesPerAccount: number
  /** What the connections from one address may have unread; beyond it those that add to it are closed. */
  readonly unsentBytesPerAddress: number
  /** Held by all sessions and connections together. Above it, what can be fetched again is dropped, oldest first. */
  readonly bufferedBytes: number

  readonly containerMessages: number
  /** What all gzip_packed objects of one packet may unpack to. */
  readonly unpackedBytesPerPacket: number
  readonly callsPerSession: number
  readonly callsPerConnection: number
  readonly calls: number
  /** Over it callers that have more than an equal share under way are refused. */
  readonly callsUnderWay: number
  /** While the event loop is later than this, a part of the calls is refused. */
  readonly loopLagMs: number
  /** The same while even the quickest of many calls takes longer. */
  readonly quickestCallMs: number
  /** A call that is not answered after this long is acknowledged, so that the client does not repeat it. */
  readonly ackCallAfterMs: number
  /** The deadline that a call is given. */
  readonly callDeadlineMs: number
  /** A call whose handler is still silent this long after its deadline is answered for it. */
  readonly callGraceMs: number
  /** How long a stop waits for calls that are under way. */
  readonly closeWithinMs: number
  /** How long `invokeAfterMsg` waits for a message that has not arrived. */
  readonly invokeAfterUnknownMs: number
  /** How long a call waits in all for those that it is to come after; the time that it has to run in starts then. */
  readonly waitForOthersMs: number
  /** The most ids in msgs_ack, msgs_state_req and msg_resend_req. */
  readonly idsPerServiceMessage: number
  /**
   * What the messages on one auth key may cost at once, in units of work of some tens of microseconds (`work.ts`);
   * beyond it the client is not read from until it has paid, and closed when it owes as much again.
   */
  readonly workUnitsAtOnce: number
  readonly workUnitsPerSecond: number
  /** After so much work of one packet others get their turn. */
  readonly workUnitsPerSlice: number

  readonly httpRequestsPerSession: number
  readonly httpWaitMaxMs: number
  /** Answers from this size on are compressed when that pays. */
  readonly gzipFromBytes: number
  /** Outgoing packets are cut here: some clients refuse more than 1 MiB. */
  readonly packetBytes: number
}

const defaultLimits: MtprotoLimits = {
  connections: 200_000,
  connectionsPerAddress: 20_000,
  unauthenticatedIdleAfterMs: 60 * SECOND_MS,
  idleAfterMs: 30 * MINUTE_MS,
  maxFrameBytes: 1 * MIB + 128 * KIB,
  pauseReadingAtOutboundBytes: 2 * MIB,
  maxOutboundBytes: 8 * MIB,
  maxUnreadBytes: 4 * MIB,
  sessionsPerConnection: 16,

  unfinishedHandshakes: 8192,
  unfinishedHandshakesPerAddress: 512,
  handshakeTimeoutMs: 60 * SECOND_MS,
  newKeysPerAddressPerHour: 3600,
  dhWorkers: 1,
  dhJobsQueued: 4096,
  temporaryKeyMaxSeconds: 7 * 24 * 3600,

  authKeysCached: 50_000,
  authKeyLoadsInFlight: 10_000,
  sessions: 400_000,
  sessionsPerAuthKey: 64,
  sessionKeptMs: 2 * MINUTE_MS,
  seenMessagesPerSession: 4096,
  unackedMessages: 2048,
  unackedBytes: 8 * MIB,
  unackedBytesDisconnected: 256 * KIB,
  unackedKeptMs: 5 * MINUTE_MS,
  partialPacketBytes: 256 * MIB,
  bufferedBytesPerAccount: 32 * MIB,
  unsentBytesPerAddress: 128 * MIB,
  bufferedBytes: 512 * MIB,

  containerMessages: 1024,
  unpackedBytesPerPacket: 16 * MIB,
  callsPerSession: 2048,
  callsPerConnection: 4096,
  calls: 100_000,
  callsUnderWay: 20_000,
  loopLagMs: 500,
  quickestCallMs: 3 * SECOND_MS,
  ackCallAfterMs: 700,
  callDeadlineMs: 20 * SECOND_MS,
  callGraceMs: 5 * SECOND_MS,
  closeWithinMs: 3 * SECOND_MS,
  invokeAfterUnknownMs: 3 * SECOND_MS,
  waitForOthersMs: 2 * MINUTE_MS,
  idsPerServiceMessage: 8192,
  workUnitsAtOnce: 4096,
  workUnitsPerSecond: 512,
  workUnitsPerSlice: 128,

  httpRequestsPerSession: 16,
  httpWaitMaxMs: 25 * SECOND_MS,
  gzipFromBytes: 4 * KIB,
  packetBytes: 512 * KIB,
}

/** Defaults with `changes` applied. Throws a RangeError that names the relation if the limits contradict each other. */
export function limitsWith(changes: Partial<MtprotoLimits> = {}): MtprotoLimits {
  const limits = { ...defaultLimits, ...changes }
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name} must be a positive number, not ${value}`)
  }
  const relations: [keyof MtprotoLimits, keyof MtprotoLimits][] = [
    ['connectionsPerAddress', 'connections'],
    ['unfinishedHandshakesPerAddress', 'unfinishedHandshakes'],
    ['pauseReadingAtOutboundBytes', 'maxOutboundBytes'],
    ['packetBytes', 'maxOutboundBytes'],
    ['maxFrameBytes', 'maxUnreadBytes'],
    ['callsUnderWay', 'calls'],
    ['quickestCallMs', 'callDeadlineMs'],
    ['ackCallAfterMs', 'callDeadlineMs'],
    ['callsPerSession', 'seenMessagesPerSession'],
    ['unackedBytesDisconnected', 'unackedBytes'],
    ['unackedBytes', 'bufferedBytesPerAccount'],
    ['bufferedBytesPerAccount', 'bufferedBytes'],
  ]
  for (const [smaller, larger] of relations) {
    if (limits[smaller] > limits[larger]) throw new RangeError(`${smaller} must not exceed ${larger}`)
  }
  return limits
}
