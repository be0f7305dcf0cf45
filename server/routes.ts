import type { HttpResponse, TemplatedApp } from 'uWebSockets.js'
import type { ConnectionGuide } from './connection-guide.js'
import type { Health, Verdict } from './health.js'
import { type Metrics, metricsContentType } from './metrics.js'
import { type StatusFigures, statusPage, statusPagePolicy } from './status-page.js'

/** What the routes tell of. */
export interface RouteSources {
  readonly health: Health
  readonly metrics: Metrics
  figures(): StatusFigures
  readonly takesClients: boolean
  /** Undefined until everything listens. */
  guide(): ConnectionGuide | undefined
  /** The operators' side; none: it is off. */
  readonly adminRoutes?: (app: TemplatedApp) => void
}

interface Answer {
  readonly status: '200 OK' | '503 Service Unavailable'
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Puts the status page, health and metrics on the HTTP listener, beside the protocol's own paths. */
export function routesOf(sources: RouteSources): (app: TemplatedApp) => void {
  return (app) => {
    answerWith(app, '/', () => page(sources))
    answerWith(app, '/status.json', () => json('200 OK', sources.figures()))
    answerWith(app, '/healthz', () => verdict(sources.health.live()))
    answerWith(app, '/readyz', async () => verdict(await sources.health.ready()))
    answerWith(app, '/metrics', async () => ({
      status: '200 OK',
      type: metricsContentType,
      body: await sources.metrics.text(),
    }))
    sources.adminRoutes?.(app)
    app.any('/*', (response) => {
      response.cork(() => response.writeStatus('404 Not Found').end('There is nothing here.\n'))
    })
  }
}

function page({ guide, takesClients }: RouteSources): Answer {
  if (!takesClients) return { status: '200 OK', type: 'text/plain', body: 'This node takes no clients.\n' }
  const known = guide()
  if (known === undefined) return { status: '503 Service Unavailable', type: 'text/plain', body: 'starting\n' }
  return {
    status: '200 OK',
    type: 'text/html; charset=utf-8',
    body: statusPage(known),
    headers: { 'content-security-policy': statusPagePolicy },
  }
}

function verdict(said: Verdict): Answer {
  return json(said.ok ? '200 OK' : '503 Service Unavailable', {
    status: said.ok ? 'ok' : 'unwell',
    checks: said.checks,
  })
}

function json(status: Answer['status'], value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}

function answerWith(app: TemplatedApp, path: string, make: () => Answer | Promise<Answer>): void {
  app.get(path, (response) => answer(response, (body) => response.end(body)))
  app.head(path, (response) => answer(response, (body) => response.endWithoutBody(Buffer.byteLength(body))))

  async function answer(response: HttpResponse, end: (body: string) => void): Promise<void> {
    let isOpen = true
    response.onAborted(() => {
      isOpen = false
    })
    const { status, type, body, headers = {} } = await make()
    if (!isOpen) return
    response.cork(() => {
      writeHead(response, status, type, headers)
      end(body)
    })
  }
}

function writeHead(
  response: HttpResponse,
  status: Answer['status'],
  type: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeStatus(status).writeHeader('content-type', type)
  response.writeHeader('cache-control', 'no-store').writeHeader('x-content-type-options', 'nosniff')
  response.writeHeader('referrer-policy', 'no-referrer')
  for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value)
}
