import pg from 'pg'
import { type PrivateService, startPrivateService } from '../../test/services.js'

/** The address for who owns the server: the program's role may do less. */
export function asAdministrator(address: string): string {
  const url = new URL(address)
  url.username = 'postgres'
  return url.href
}

/** A PostgreSQL server of a test's own, with the tools of PostgreSQL's tests. */
export class PrivatePostgres {
  readonly #service: PrivateService
  readonly #role: string | undefined

  private constructor(service: PrivateService, role?: string) {
    this.#service = service
    this.#role = role
  }

  /** A new server, started. `dir`: where its data lie; `settings`: of the server itself. */
  static async start(options: { dir?: string; settings?: Readonly<Record<string, string>> } = {}) {
    return new PrivatePostgres(await startPrivateService('postgres', options))
  }

  /** A primary, and the standby that its commits wait for. */
  static async pair(): Promise<{ primary: PrivatePostgres; standby: PrivatePostgres }> {
    const service = await startPrivateService('postgres-standby')
    return { primary: new PrivatePostgres(service), standby: new PrivatePostgres(service, 'standby') }
  }

  get port(): number {
    const member = this.#service.members.find(({ role }) => role === this.#role) ?? this.#service.members[0]
    return member!.port
  }

  /** `port`: that of something before the server. */
  url(database = 'postgres', port = this.port): string {
    const url = new URL(this.#service.url)
    url.port = `${port}`
    url.pathname = `/${database}`
    return url.href
  }

  /** Starts what was stopped or killed; resolves when it answers. */
  start(): Promise<void> {
    return this.#service.restart()
  }

  /** kill -9 of every process of the server. */
  kill(): Promise<void> {
    return this.#service.kill9(this.#role)
  }

  /** In order: sessions end, everything is written out. */
  stop(): Promise<void> {
    return this.#service.stop()
  }

  /** SIGSTOP of every process: connections stay open and nothing answers. */
  freeze(): void {
    this.#service.freeze(this.#role)
  }

  thaw(): void {
    this.#service.thaw(this.#role)
  }

  /** Whether the process is there; a server that has no room for its log may end. */
  async runs(): Promise<boolean> {
    return (await this.#service.states())[0] !== 'down'
  }

  /** Of a pair both. */
  dispose(): Promise<void> {
    return this.#service.dispose()
  }

  /** Runs SQL as the server's administrator; the rows of the last statement. */
  async sql<T extends pg.QueryResultRow>(text: string, database = 'postgres'): Promise<readonly T[]> {
    const client = new pg.Client({ connectionString: asAdministrator(this.url(database)) })
    await client.connect()
    try {
      const result = (await client.query<T>(text)) as pg.QueryResult<T> | pg.QueryResult<T>[]
      return Array.isArray(result) ? (result[result.length - 1]?.rows ?? []) : result.rows
    } finally {
      await client.end()
    }
  }
}
