import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js'
import { actorTypes } from '../../actors/index.js'
import type { ClusterAdmin, ClusterEvent } from '../../cluster/index.js'
import { type ErrorCode, errorCode, refusalReason } from '../../runtime/index.js'
import type { AdminSession } from './admin-session.js'
import type { DashboardFiles } from './dashboard-files.js'
import type { MessageTrace, RequestTrace } from './message-trace.js'

export interface AdminRoutesOptions {
  readonly admin: ClusterAdmin
  readonly session: AdminSession
  readonly isTls: boolean
  readonly files: DashboardFiles
  readonly trace: (named: string) => Promise<MessageTrace | RequestTrace>
  /** Told of what cannot be explained to who asked. */
  readonly failed: (error: unknown) => void
}

interface Asked {
  readonly query: (name: string) => string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** The answer as it goes out; what a handler returns otherwise goes out as JSON. */
interface Answer {
  readonly status: string
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

const mostBodyBytes = 4_096
/** A follower that cannot keep up with so many events is cut off. */
const mostWaitingEvents = 1_000

/**
 * Puts the operators' side on the HTTP listener: `/admin/` is the dashboard, `/admin/api/` what it and the command line ask.
 *
 * 1. The pages tell nothing; everything under `/admin/api/` but `login` needs the token or its cookie.
 * 2. What changes something is a POST of JSON, which no page of another site can make a browser send with the cookie.
 */
export function adminRoutes(app: TemplatedApp, options: AdminRoutesOptions): void {
  const { admin, session, isTls, files, trace } = options
  const get = (path: string, handle: (asked: Asked) => Promise<unknown> | unknown) =>
    app.get(`/admin/api/${path}`, (response, request) => answerGet(response, request, options, handle))
  const post = (path: string, handle: (asked: Asked) => Promise<unknown> | unknown, isOpen = false) =>
    app.post(`/admin/api/${path}`, (response, request) => answerPost(response, request, options, isOpen, handle))

  get('cluster', () => admin.report())
  get('shards', () => admin.shards())
  get('actors', ({ query }) => {
    const limit = Math.min(1_000, Math.max(1, Number(query('limit')) || 50))
    return admin.actors({ kind: typeNamed(query('kind')).kind, limit })
  })
  get('actor', ({ query }) => {
    const type = typeNamed(query('kind'))
    return admin.actor(type.kind, keyOf(type, needed(query('id'), 'id')))
  })
  get('trace', ({ query }) => trace(needed(query('of'), 'of')))
  get('events', () => admin.events())
  app.get('/admin/api/tail', (response, request) => tail(response, request, options))
  post('drain', ({ body }) => admin.setDraining(needed(body.node, 'node'), body.draining !== false))
  post('rebalance', () => admin.rebalance())
  post(
    'login',
    ({ body }) => {
      const isRight = typeof body.token === 'string' && session.isToken(body.token)
      return isRight ? withCookie(session.begin(isTls)) : refused('401 Unauthorized', 'WRONG_TOKEN', 'Not the token.')
    },
    true,
  )
  post('logout', () => withCookie(session.end(isTls)), true)

  app.get('/admin', (response) => {
    response.cork(() => response.writeStatus('302 Found').writeHeader('location', '/admin/').end())
  })
  for (const path of files.paths) {
    app.get(`/admin/${path}`, (response) => {
      const { type, body, headers } = files.read(path)
      response.cork(() => send(response, { status: '200 OK', type, body, headers }))
    })
  }
}

function answerGet(
  response: HttpResponse,
  request: HttpRequest,
  options: AdminRoutesOptions,
  handle: (asked: Asked) => Promise<unknown> | unknown,
): void {
  const query = queryOf(request)
  let isGone = false
  response.onAborted(() => {
    isGone = true
  })
  if (!isAllowed(request, options)) sendNow(response, unauthorized)
  else void answered(options, () => handle({ query, body: {} })).then((made) => isGone || sendNow(response, made))
}

function answerPost(
  response: HttpResponse,
  request: HttpRequest,
  options: AdminRoutesOptions,
  isOpen: boolean,
  handle: (asked: Asked) => Promise<unknown> | unknown,
): void {
  const query = queryOf(request)
  const isJson = request.getHeader('content-type').startsWith('application/json')
  const refusal = !isOpen && !isAllowed(request, options) ? unauthorized : isJson ? undefined : notJson
  if (refusal !== undefined) {
    sendNow(response, refusal)
    return
  }
  let body = Buffer.alloc(0)
  let isOver = false
  const end = (made: Answer) => {
    if (!isOver) sendNow(response, made)
    isOver = true
  }
  response.onAborted(() => {
    isOver = true
  })
  response.onData((chunk, isLast) => {
    if (isOver) return
    body = Buffer.concat([body, Buffer.from(chunk)])
    if (body.length > mostBodyBytes) end(refused('413 Payload Too Large', 'TOO_LARGE', 'Send less.'))
    else if (isLast) void answered(options, () => handle({ query, body: recordOf(body) })).then(end)
  })
}

async function answered({ failed }: AdminRoutesOptions, make: () => Promise<unknown> | unknown): Promise<Answer> {
  try {
    const value = await make()
    return isAnswer(value) ? value : json('200 OK', value ?? {})
  } catch (error) {
    return failure(error, failed)
  }
}

/** Events as lines of JSON, the last ones first, until who asked goes away. */
function tail(response: HttpResponse, request: HttpRequest, options: AdminRoutesOptions): void {
  const { admin } = options
  if (!isAllowed(request, options)) {
    sendNow(response, unauthorized)
    return
  }
  let isGone = false
  let waiting: string[] | undefined
  const end = admin.onEvent((event) => write(event))
  response.onAborted(() => {
    isGone = true
    end()
  })
  function write(event: ClusterEvent): void {
    if (isGone) return
    const line = `${JSON.stringify(event)}\n`
    if (waiting !== undefined) {
      waiting.push(line)
      if (waiting.length > mostWaitingEvents) {
        isGone = true
        end()
        response.close()
      }
      return
    }
    response.cork(() => {
      if (!response.write(line)) waiting = []
    })
  }
  response.onWritable(() => {
    const lines = waiting?.join('') ?? ''
    waiting = undefined
    if (lines !== '') {
      response.cork(() => {
        if (!response.write(lines)) waiting = []
      })
    }
    return true
  })
  response.cork(() => {
    writeHead(response, { status: '200 OK', type: 'application/x-ndjson', body: '' })
    for (const event of admin.recentEvents()) response.write(`${JSON.stringify(event)}\n`)
  })
}

function isAllowed(request: HttpRequest, { session }: AdminRoutesOptions): boolean {
  return session.mayAsk(request.getHeader('authorization'), request.getHeader('cookie'))
}

function queryOf(request: HttpRequest): (name: string) => string | undefined {
  const query = new URLSearchParams(request.getQuery())
  return (name) => query.get(name) ?? undefined
}

/** Somebody asked for something that cannot be asked so. */
class WrongQuestion extends Error {}

function needed(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && value.length <= 300) return value
  throw new WrongQuestion(`Say which ${name}.`)
}

type NamedType = (typeof actorTypes)[number]

function typeNamed(value: unknown): NamedType {
  const kind = needed(value, 'kind')
  const type = actorTypes.find((each) => each.kind === kind)
  if (type !== undefined) return type
  throw new WrongQuestion(`There is no kind ${kind}; there are ${actorTypes.map((each) => each.kind).join(', ')}.`)
}

/** An id that the kind cannot have would be looked for in vain. */
function keyOf({ kind, parse }: NamedType, key: string): string {
  try {
    parse(key)
    return key
  } catch (error) {
    if (error instanceof TypeError) throw new WrongQuestion(`${key} is no id of the kind ${kind}.`)
    throw error
  }
}

function recordOf(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // as below
  }
  throw new WrongQuestion('Send a JSON object.')
}

const mendable: readonly (ErrorCode | undefined)[] = [
  'REFUSED',
  'STORE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'DEADLINE_EXCEEDED',
  'OVERLOADED',
  'NOT_OWNER',
  'STOPPED',
]

function failure(error: unknown, failed: (error: unknown) => void): Answer {
  if (error instanceof WrongQuestion) return refused('400 Bad Request', 'WRONG_QUESTION', error.message)
  const code = errorCode(error)
  if (code === 'REFUSED') return refused('409 Conflict', refusalReason(error) ?? code, (error as Error).message)
  if (mendable.includes(code)) return refused('503 Service Unavailable', code ?? '', (error as Error).message)
  failed(error)
  return refused('500 Internal Server Error', 'INTERNAL', 'Something is wrong in the server; its log has the cause.')
}

function refused(status: string, error: string, message: string): Answer {
  return json(status, { error, message })
}

const unauthorized = refused('401 Unauthorized', 'UNAUTHORIZED', 'Send the admin token: Authorization: Bearer ...')

const notJson = refused('415 Unsupported Media Type', 'NOT_JSON', 'Send JSON.')

function withCookie(cookie: string): Answer {
  return { ...json('200 OK', {}), headers: { 'set-cookie': cookie } }
}

function json(status: string, value: unknown): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n` }
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'status' in value && 'type' in value && 'body' in value
}

function sendNow(response: HttpResponse, made: Answer): void {
  response.cork(() => send(response, made))
}

function send(response: HttpResponse, made: Answer): void {
  writeHead(response, made)
  response.end(made.body)
}

function writeHead(response: HttpResponse, { status, type, headers = {} }: Answer): void {
  response.writeStatus(status).writeHeader('content-type', type)
  response.writeHeader('cache-control', 'no-store').writeHeader('x-content-type-options', 'nosniff')
  response.writeHeader('referrer-policy', 'no-referrer')
  for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value)
}
