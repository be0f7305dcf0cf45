export type {
  AuthKeyPatch,
  AuthKeyRecord,
  AuthKeyStore,
  ClientInfo,
} from './auth-key-store.js'
export { addressGroup, isLoopback } from './client-address.js'
export { createMtprotoGateway } from './create-gateway.js'
export type {
  AuthKeys,
  HttpListenOptions,
  Listening,
  MtprotoGateway,
  TcpListenOptions,
} from './gateway.js'
export type { MtprotoLimits } from './limits.js'
export { type HttpListener, listenHttp } from './listener-http.js'
export type { Log } from './log.js'
export type { MtprotoMetrics, MtprotoSizes } from './metrics.js'
export type { RpcAnswer, RpcCall, RpcHandler, TlObject } from './rpc.js'
export { floodWait, RpcError } from './rpc.js'
export type { ServerKey } from './server-key.js'
export { loadServerKey } from './server-key.js'
export type { PushOutcome, Session, SessionHooks } from './session-view.js'
export { TrustedProxies } from './trusted-proxies.js'
