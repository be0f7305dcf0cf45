import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { urlHost } from '../../connection-guide.js'
import { type CommandContext, WrongUsage } from '../command.js'

/** What every command that asks a node takes, as its usage tells it. */
export const askingOptions = `  --url <url>          a node's HTTP port, such as http://127.0.0.1:8080; any node answers for all
  --token-file <path>  the file of HELIOGRAPH_ADMIN_TOKEN_FILE
  --json               for programs

Without --url: the development cluster that \`npm run cluster\` has started here, else the server of this environment's
HELIOGRAPH_DATA_DIR.`

/** Where a development cluster says how its operators reach it, relative to the working directory. */
export const clusterFile = '.heliograph/cluster/admin.json'

/** Something that the person can mend: said as a line, without a stack. */
export class CannotAsk extends Error {}

type Flags = Readonly<Record<string, 'boolean' | 'string'>>
type Values<F extends Flags> = { readonly [K in keyof F]?: F[K] extends 'boolean' ? boolean : string }

export interface Asking<F extends Flags> {
  readonly client: AdminClient
  readonly names: readonly string[]
  readonly json: boolean
  readonly flags: Values<F>
}

/** Reads the arguments of a command that asks a node. Throws WrongUsage and CannotAsk. */
export async function asking<F extends Flags>(
  args: readonly string[],
  { environment }: CommandContext,
  takes: { readonly names: readonly string[]; readonly flags: F },
): Promise<Asking<F>> {
  const options: Record<string, { type: 'boolean' | 'string' }> = {
    url: { type: 'string' },
    'token-file': { type: 'string' },
    json: { type: 'boolean' },
  }
  for (const [name, type] of Object.entries(takes.flags)) options[name] = { type }
  const { values, positionals } = parsed(args, options)
  const missing = takes.names[positionals.length]
  if (missing !== undefined) throw new WrongUsage(`Say which ${missing}.`)
  if (positionals.length > takes.names.length) throw new WrongUsage(`${positionals.at(-1)}: one argument too many.`)
  const { url, 'token-file': tokenFile, json, ...flags } = values
  const place = await placeOf(url as string | undefined, tokenFile as string | undefined, environment)
  return { client: new AdminClient(place), names: positionals, json: json === true, flags: flags as Values<F> }
}

function parsed(args: readonly string[], options: Record<string, { type: 'boolean' | 'string' }>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new WrongUsage((error as Error).message)
  }
}

interface Place {
  /** Tried in this order. */
  readonly urls: readonly string[]
  readonly token: string
}

async function placeOf(
  url: string | undefined,
  tokenFile: string | undefined,
  environment: CommandContext['environment'],
): Promise<Place> {
  const cluster = url === undefined ? developmentCluster() : undefined
  const isGiven = cluster !== undefined || (url !== undefined && tokenFile !== undefined)
  const given = isGiven ? undefined : (await import('../../settings.js')).readSettings(environment)
  const path = tokenFile ?? cluster?.tokenFile ?? given?.adminTokenFile
  if (path === undefined) throw new CannotAsk('Give --token-file, or set HELIOGRAPH_ADMIN_TOKEN_FILE.')
  const urls = url !== undefined ? [url] : (cluster?.urls ?? [listeningAt(given?.dataDir ?? '')])
  return { urls: urls.map((each) => each.replace(/\/+$/, '')), token: contentOf(path).trim() }
}

function developmentCluster(): { readonly urls: readonly string[]; readonly tokenFile: string } | undefined {
  if (!existsSync(clusterFile)) return undefined
  const { urls, tokenFile } = JSON.parse(readFileSync(clusterFile, 'utf8')) as { urls: string[]; tokenFile: string }
  return { urls, tokenFile: resolve(dirname(clusterFile), tokenFile) }
}

function listeningAt(dataDir: string): string {
  const path = join(dataDir, 'listening.json')
  if (!existsSync(path)) throw new CannotAsk(`No server listens on ${dataDir}. Give --url.`)
  const { http } = JSON.parse(readFileSync(path, 'utf8')) as { http: { host: string; port: number } }
  return `http://${urlHost(http.host)}:${http.port}`
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CannotAsk(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}

/** Asks a node's admin API. All reject with CannotAsk for what the person can mend. */
export class AdminClient {
  readonly #urls: readonly string[]
  readonly #token: string

  constructor({ urls, token }: Place) {
    this.#urls = urls
    this.#token = token
  }

  async get<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const asked = new URLSearchParams(query).toString()
    const response = await this.#fetch(`${path}${asked && `?${asked}`}`)
    return (await response.json()) as T
  }

  async post(path: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#fetch(path, body)
  }

  /** Lines as they come; ends when the node does. */
  async *lines(path: string): AsyncGenerator<string> {
    const { body } = await this.#fetch(path)
    if (body === null) return
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  }

  async #fetch(path: string, body?: Readonly<Record<string, unknown>>): Promise<Response> {
    let failure = ''
    for (const url of this.#urls) {
      const response = await this.#tried(url, path, body)
      if (typeof response === 'string') failure = response
      else if (response.ok) return response
      else throw await refusalOf(response, url)
    }
    throw new CannotAsk(failure)
  }

  /** The reason as a string when there is no answer. */
  async #tried(url: string, path: string, body: Readonly<Record<string, unknown>> | undefined) {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) }
    try {
      return await fetch(`${url}/admin/api/${path}`, {
        headers,
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      })
    } catch (error) {
      const { cause } = error as { cause?: { code?: string; message?: string } }
      return `${url} does not answer (${cause?.code ?? cause?.message ?? (error as Error).message}).`
    }
  }
}

async function refusalOf(response: Response, url: string): Promise<CannotAsk> {
  if (response.status === 404)
    return new CannotAsk(`${url} does not serve operators: set HELIOGRAPH_ADMIN_TOKEN_FILE there.`)
  if (response.status === 401) return new CannotAsk(`${url} does not take this token.`)
  const said = (await response.json().catch(() => ({}))) as { message?: string }
  return new CannotAsk(said.message ?? `${url} answers ${response.status}.`)
}
