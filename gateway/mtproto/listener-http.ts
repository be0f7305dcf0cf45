import uws, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type us_socket_context_t,
  type WebSocket,
} from 'uWebSockets.js'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { StreamConnection } from './connection.js'
import type { Connections } from './connections.js'
import type { HttpListenOptions, Listening } from './gateway.js'
import type { HttpExchanges } from './http-exchanges.js'
import { listen } from './listener-tcp.js'
import type { Log } from './log.js'
import { TrustedProxies } from './trusted-proxies.js'
import type { World } from './world.js'

const WEB_SOCKET_PATHS = ['/apiws', '/apiws_test', '/apiws_premium', '/apiws_test_premium']
const HTTP_PATHS = ['/api', '/api_test', '/apiw', '/apiw_test', '/apiw1', '/apiw_test1']
const SUBPROTOCOL = 'binary'
/** Clients put one frame into a message, the first one behind the head of an obfuscated stream. */
const MESSAGE_SLACK_BYTES = 64 * 1024
/** A dead peer is noticed after this long: the library pings by itself. */
const PING_SECONDS = 120

interface SocketData {
  readonly address: string
  connection?: WebSocketConnection
}

type ClientSocket = WebSocket<SocketData>

class WebSocketConnection extends StreamConnection {
  readonly kind = 'websocket'
  #socket: ClientSocket | undefined

  constructor(connections: Connections, socket: ClientSocket, address: string) {
    super(connections, address)
    this.#socket = socket
  }

  get unsentBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0
  }

  onDrain(): void {
    this.drained()
  }

  /** The socket must not be touched any more. */
  onClose(): void {
    this.#socket = undefined
    this.gone()
  }

  protected write(bytes: Buffer): void {
    this.#socket?.send(bytes, true)
  }

  /** The library cannot stop reading one WebSocket: what comes meanwhile is held, up to `maxUnreadBytes`. */
  protected setReading(): void {}

  protected closeCarrier(): void {
    const socket = this.#socket
    this.#socket = undefined
    // Closes after what is written has left, unlike `close`.
    socket?.end(1000)
  }
}

export interface HttpListener {
  readonly listening: Listening
  /** Takes up a certificate that has changed on disk. Rejects once for each change that cannot be used. */
  refresh(): Promise<void>
  close(): void
}

/** The protocol's own paths, where a listener has them. */
export interface HttpClients {
  readonly connections: Connections
  readonly exchanges: HttpExchanges
}

/** Listens for WebSockets and HTTP. Rejects when the address cannot be had, or the certificate cannot be read. */
export async function listenHttp(
  clients: HttpClients | undefined,
  options: HttpListenOptions,
  log: Log,
): Promise<HttpListener> {
  const { host } = options
  const port = await freePort(host, options.port)
  let version = certificateVersion(options)
  let refreshing = false
  let listenSocket = await openApp(clients, options, port)
  return {
    listening: { host, port },
    async refresh() {
      const found = certificateVersion(options)
      if (found === version || refreshing) return
      version = found
      refreshing = true
      try {
        // Before the old one closes, so that a certificate that does not load leaves everything as it was.
        const next = await openApp(clients, options, port)
        uws.us_listen_socket_close(listenSocket)
        listenSocket = next
      } finally {
        refreshing = false
      }
      log.info({}, 'the TLS certificate was read again')
    },
    close: () => uws.us_listen_socket_close(listenSocket),
  }
}

/**
 * The port to listen on. The library shares a port with whoever else listens on it, without an error, so that it is
 * first claimed by a socket that does not share.
 */
async function freePort(host: string, port: number): Promise<number> {
  const probe = createServer()
  await listen(probe, host, port)
  const bound = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (typeof bound !== 'object' || bound === null) throw new Error('a TCP server has a host and a port')
  return bound.port
}

function certificateVersion({ tls }: HttpListenOptions): string {
  if (!tls) return ''
  // By what it is, not only by its time: a renewal may put another file in the place of this one.
  return [tls.certFile, tls.keyFile].map(fileVersion).join()
}

function fileVersion(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats ? `${stats.ino}:${stats.mtimeMs}:${stats.size}` : 'none'
}

async function openApp(
  clients: HttpClients | undefined,
  options: HttpListenOptions,
  port: number,
): Promise<us_listen_socket> {
  const { host, tls, routes } = options
  // The library looks for the header inside of TLS, where no proxy puts it.
  if (tls && options.proxies?.length) throw new RangeError('a proxy in front has to end TLS itself')
  const proxies = new TrustedProxies(options.proxies ?? [])
  if (tls) checkCertificate(tls.certFile, tls.keyFile)
  const app = tls ? uws.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile }) : uws.App()
  if (clients) {
    addWebSockets(app, clients.connections, proxies)
    addHttp(app, clients.exchanges, proxies)
  }
  routes?.(app)
  return new Promise((resolve, reject) => {
    app.listen(host, port, (socket) => {
      if (socket) resolve(socket)
      else reject(new Error(`cannot listen on ${host}:${port}`))
    })
  })
}

/** Throws with a reason; the library itself would give none. */
function checkCertificate(certFile: string, keyFile: string) {
  try {
    createSecureContext({ cert: readFileSync(certFile), key: readFileSync(keyFile) })
  } catch (cause) {
    const reason = (cause as Error).message
    throw new Error(`the TLS certificate ${certFile} with the key ${keyFile} cannot be used: ${reason}`, { cause })
  }
}

function addHttp(app: TemplatedApp, exchanges: HttpExchanges, proxies: TrustedProxies) {
  for (const path of HTTP_PATHS) {
    app.post(path, (response, request) => {
      const address = clientOf(response, proxies)
      if (address === undefined) refuseUnnamed(exchanges.world, response)
      else exchanges.receive(response, request, address)
    })
    app.options(path, (response) => {
      response.writeStatus('204 No Content')
      response.writeHeader('Access-Control-Allow-Origin', '*')
      response.writeHeader('Access-Control-Allow-Methods', 'POST')
      response.writeHeader('Access-Control-Allow-Headers', 'Content-Type')
      response.end()
    })
  }
}

function addWebSockets(app: TemplatedApp, connections: Connections, proxies: TrustedProxies) {
  const { maxFrameBytes, maxOutboundBytes } = connections.world.limits
  for (const path of WEB_SOCKET_PATHS) {
    app.ws<SocketData>(path, {
      maxPayloadLength: maxFrameBytes + MESSAGE_SLACK_BYTES,
      maxBackpressure: maxOutboundBytes * 2,
      closeOnBackpressureLimit: true,
      idleTimeout: PING_SECONDS,
      compression: uws.DISABLED,
      upgrade: (response, request, context) => {
        const address = clientOf(response, proxies)
        if (address === undefined) refuseUnnamed(connections.world, response)
        else upgrade(connections, address, response, request, context)
      },
      open: (socket) => {
        const data = socket.getUserData()
        data.connection = new WebSocketConnection(connections, socket, data.address)
        connections.add(data.connection)
      },
      // The memory of a message is the library's once the handler returns; what is kept of it is copied where it is kept.
      message: (socket, message) => socket.getUserData().connection?.received(Buffer.from(message)),
      drain: (socket) => socket.getUserData().connection?.onDrain(),
      close: (socket) => socket.getUserData().connection?.onClose(),
    })
  }
}

function clientOf(response: HttpResponse, proxies: TrustedProxies): string | undefined {
  return proxies.clientOf(response.getRemoteAddressAsText(), response.getProxiedRemoteAddressAsText())
}

function refuseUnnamed(world: World, response: HttpResponse) {
  world.metrics.count('connections_refused', 1, 'proxy')
  response.writeStatus('400 Bad Request').end('a PROXY header is missing\n', true)
}

function upgrade(
  connections: Connections,
  address: string,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
) {
  if (!connections.admits(address)) {
    response.writeStatus('429 Too Many Requests').end()
    return
  }
  const offered = request.getHeader('sec-websocket-protocol').split(',')
  const protocol = offered.some((each) => each.trim() === SUBPROTOCOL) ? SUBPROTOCOL : ''
  const extensions = request.getHeader('sec-websocket-extensions')
  response.upgrade<SocketData>({ address }, request.getHeader('sec-websocket-key'), protocol, extensions, context)
}
