import type { TemplatedApp } from 'uWebSockets.js'
import type { Clock, Random } from '../../runtime/index.js'
import type { AuthKeyPatch, AuthKeyStore } from './auth-key-store.js'
import type { MtprotoLimits } from './limits.js'
import type { Log } from './log.js'
import type { Long } from './long.js'
import type { MtprotoMetrics, MtprotoSizes } from './metrics.js'
import type { RpcHandler } from './rpc.js'
import type { ServerKey } from './server-key.js'
import type { Session, SessionHooks } from './session-view.js'

export interface MtprotoOptions {
  readonly clock: Clock
  readonly random: Random
  readonly serverKey: ServerKey
  readonly authKeyStore: AuthKeyStore
  readonly rpc: RpcHandler
  readonly hooks?: SessionHooks
  /** Other gateways serve the same clients: what is remembered of a key may have changed there. */
  readonly isShared?: boolean
  readonly limits?: Partial<MtprotoLimits>
  readonly metrics?: MtprotoMetrics
  readonly log?: Log
}

/** The cached auth keys, for whoever changes them elsewhere. Neither method touches the store. */
export interface AuthKeys {
  /**
   * Changes the cached record of a permanent key, and with it all sessions on it and on temporary keys bound to it.
   * A new `userId` ends or starts their updates. Nothing happens if the key is not cached.
   */
  update(id: Long, patch: AuthKeyPatch): void
  /** Forgets the key, ends its sessions and closes their connections; the client's next packet gets what the store says. */
  drop(id: Long): void
  /** The live sessions of a permanent key. */
  sessions(id: Long): readonly Session[]
}

export interface TcpListenOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /**
   * Addresses and networks of proxies that stand in front: what comes from them has to say, by the PROXY protocol, whom
   * it comes from (version 2; over TCP 1 as well). Not together with `tls`.
   */
  readonly proxies?: readonly string[]
}

export interface HttpListenOptions extends TcpListenOptions {
  /** PEM files; looked at every second, and read again when they have changed. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string }
  /** Puts further routes on the same listener. Called again for the new listener after a change of certificate. */
  readonly routes?: (app: TemplatedApp) => void
}

export interface Listening {
  readonly host: string
  readonly port: number
}

/** MTProto 2.0 from socket to call. */
export interface MtprotoGateway {
  readonly authKeys: AuthKeys
  /** TCP: abridged, intermediate, padded intermediate and full, each plain or obfuscated. */
  listenTcp(options: TcpListenOptions): Promise<Listening>
  /** WebSocket at /apiws (and its variants), MTProto over HTTP at /api, and the caller's routes. */
  listenHttp(options: HttpListenOptions): Promise<Listening>
  /** `session.pushUpdate(body, tag)` for many sessions of one layer: the body is shared, encrypted for each. */
  pushToMany(sessions: readonly Session[], body: Buffer, tag?: number): void
  /** The session goes on at another gateway: what is kept of it here goes, once no connection carries it. */
  movedAway(session: Session): void
  sizes(): MtprotoSizes
  /**
   * Stops listening, answers the calls that are under way, as far as they end in time, closes all connections, ends the
   * workers. Sessions end without `onSessionGone`.
   */
  close(): Promise<void>
}
