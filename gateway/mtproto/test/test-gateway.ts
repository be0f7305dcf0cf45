import { createMtprotoGateway } from '../create-gateway.js'
import type { HttpListenOptions, Listening, MtprotoGateway } from '../gateway.js'
import type { MtprotoLimits } from '../limits.js'
import { type RpcAnswer, type RpcCall, RpcError, type RpcHandler } from '../rpc.js'
import { generateServerKey } from '../server-key.js'
import type { SessionHooks } from '../session-view.js'
import { MemoryKeyStore } from './memory-key-store.js'
import { systemClock } from './system-clock.js'
import { systemRandom } from './system-random.js'

export const serverKey = generateServerKey()

export interface TestGateway {
  readonly gateway: MtprotoGateway
  readonly store: MemoryKeyStore
  readonly tcp: Listening
  readonly http: Listening
  /** Names of the methods that were called, in order. */
  readonly calls: RpcCall[]
  /** What was logged as a warning or an error. */
  readonly complaints: string[]
  readonly counts: Map<string, number>
  close(): Promise<void>
}

/** The gateway on loopback, with a few methods answered and everything observed. */
export async function startTestGateway(
  options: {
    rpc?: RpcHandler
    hooks?: SessionHooks
    limits?: Partial<MtprotoLimits>
    store?: MemoryKeyStore
    isShared?: boolean
    proxies?: readonly string[]
    routes?: HttpListenOptions['routes']
  } = {},
): Promise<TestGateway> {
  const store = options.store ?? new MemoryKeyStore()
  const calls: RpcCall[] = []
  const complaints: string[] = []
  const counts = new Map<string, number>()
  const complain = (fields: object, message: string) => {
    const { err } = fields as { err?: Error }
    complaints.push(`${message}: ${err?.stack ?? JSON.stringify(fields)}`)
  }
  const gateway: MtprotoGateway = createMtprotoGateway({
    clock: systemClock,
    random: systemRandom,
    serverKey,
    authKeyStore: store,
    rpc: (call) => {
      calls.push(call)
      return (options.rpc ?? answerSimply)(call)
    },
    ...(options.hooks && { hooks: options.hooks }),
    ...(options.isShared && { isShared: true }),
    ...(options.limits && { limits: options.limits }),
    metrics: {
      count: (counter, by = 1) => void counts.set(counter, (counts.get(counter) ?? 0) + by),
      rpc() {},
    },
    log: { debug() {}, info() {}, warn: complain, error: complain },
  })
  const at = { host: '127.0.0.1', port: 0, ...(options.proxies && { proxies: options.proxies }) }
  const tcp = await gateway.listenTcp(at)
  const http = await gateway.listenHttp({ ...at, ...(options.routes && { routes: options.routes }) })
  return { gateway, store, tcp, http, calls, complaints, counts, close: () => gateway.close() }
}

/** Answers what the protocol's own tests ask; the truth about accounts is nothing to them. */
function answerSimply({ method }: RpcCall): RpcAnswer {
  switch (method._) {
    case 'help.getConfig':
      return testConfig()
    case 'help.getNearestDc':
      return { _: 'nearestDc', country: 'XX', thisDc: 2, nearestDc: 2 }
    case 'updates.getState':
      return { _: 'updates.state', pts: 1, qts: 0, date: 1, seq: 0, unreadCount: 0 }
    case 'contacts.getContactIDs':
      return [1, 2, 3]
    case 'account.updateStatus':
      return true
    default:
      return new RpcError(400, 'METHOD_NOT_IMPLEMENTED')
  }
}

function testConfig(): RpcAnswer {
  const numbers = Object.fromEntries(
    [
      'chatSizeMax',
      'megagroupSizeMax',
      'forwardedCountMax',
      'onlineUpdatePeriodMs',
      'offlineBlurTimeoutMs',
      'offlineIdleTimeoutMs',
      'onlineCloudTimeoutMs',
      'notifyCloudDelayMs',
      'notifyDefaultDelayMs',
      'pushChatPeriodMs',
      'pushChatLimit',
      'editTimeLimit',
      'revokeTimeLimit',
      'revokePmTimeLimit',
      'ratingEDecay',
      'stickersRecentLimit',
      'channelsReadMediaPeriod',
      'callReceiveTimeoutMs',
      'callRingTimeoutMs',
      'callConnectTimeoutMs',
      'callPacketTimeoutMs',
      'captionLengthMax',
      'messageLengthMax',
      'webfileDcId',
    ].map((name) => [name, 100]),
  )
  return {
    _: 'config',
    date: Math.floor(Date.now() / 1000),
    expires: Math.floor(Date.now() / 1000) + 3600,
    testMode: false,
    thisDc: 2,
    dcOptions: [{ _: 'dcOption', id: 2, ipAddress: '127.0.0.1', port: 443, static: true }],
    dcTxtDomainName: 'example.org',
    meUrlPrefix: 'https://example.org/',
    ...numbers,
  }
}
