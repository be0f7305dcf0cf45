/**
 * Which server holds a shard, as far as this process knows.
 *
 * M1. The servers' own tables are the truth (docs/decisions/0009-accounts.md): what is kept here is a hint. Each statement
 *     says whether its shard was held; where it was not, the tables are read again and the statement goes elsewhere.
 * M2. A write is repeated while its outcome is unknown, up to `repeatForMs`: every write of these ports may be repeated,
 *     and a later attempt may go to another server, since a moved shard takes the first attempt's outcome with it.
 *     A shard that no server holds while all of them answer is between two of them: it is waited for just as long.
 * M3. Each key names its shard, so a request asks only the servers of its keys, one statement each.
 */
import { ActorError, type ActorLog, type Clock, errorCode, refusalReason } from '../../runtime/index.js'
import { checkBelonging } from './belonging.js'
import { outcomeUnknown, unavailable } from './failure.js'
import type { PostgresLimits } from './limits.js'
import { checkSchema } from './schema.js'
import type { PostgresServer, Row, Statement } from './server.js'
import type { Family } from './shard.js'

const READ_SHARDS: Statement = {
  name: 'read_shards',
  text: `SELECT family, shard, epoch FROM held_shard WHERE state = 'held'`,
}

interface HeldShard extends Row {
  readonly family: string
  readonly shard: number
  readonly epoch: number
}

interface Place {
  readonly server: PostgresServer
  readonly epoch: number
}

/** A key's answer; `held` says whether the server holds the key's shard (M1). */
export interface KeyAnswer<T> {
  readonly held: boolean
  readonly value: T | undefined
}

const PAUSE_MS = 20

export interface ShardMapOptions {
  readonly servers: readonly PostgresServer[]
  readonly clock: Clock
  readonly log: ActorLog
  readonly limits: PostgresLimits
  /** See PostgresOptions. */
  readonly journals?: string | undefined
}

export class ShardMap {
  readonly #servers: readonly PostgresServer[]
  readonly #clock: Clock
  readonly #log: ActorLog
  readonly #limits: PostgresLimits
  readonly #journals: string | undefined
  #places = new Map<string, Place>()
  /** Whether every server answered when the tables were last read. */
  #isWhole = false
  readonly #checked = new Set<PostgresServer>()
  #loading: Promise<void> | undefined

  constructor({ servers, clock, log, limits, journals }: ShardMapOptions) {
    this.#servers = servers
    this.#clock = clock
    this.#log = log
    this.#limits = limits
    this.#journals = journals
  }

  /** Reads all servers' tables; what a server that does not answer held stays. Rejects with REFUSED (see checkSchema, checkBelonging). */
  load(): Promise<void> {
    this.#loading ??= this.#readAll().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /** One key's write; the statement answers with a column `held`. Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN. */
  async write<T extends Row & { readonly held: boolean }>(
    family: Family,
    shard: number,
    statement: Statement,
    values: readonly unknown[],
  ): Promise<T> {
    const endMs = this.#clock.monotonic() + this.#limits.repeatForMs
    let unknown: unknown
    for (;;) {
      try {
        const server = await this.#server(family, shard)
        if (server) {
          const [answer] = await server.write<T>(statement, values)
          if (answer?.held) return answer
          await this.load()
        }
      } catch (error) {
        const code = errorCode(error)
        if (code === 'OUTCOME_UNKNOWN') unknown = error
        else if (code !== 'STORE_UNAVAILABLE' || unknown === undefined) throw error
      }
      if (this.#clock.monotonic() >= endMs) break
      await this.#pause()
    }
    const what = `${statement.name} of ${family} ${shard}`
    if (unknown !== undefined) throw outcomeUnknown(`${what}: no answer in ${this.#limits.repeatForMs} ms`, unknown)
    throw unavailable(`${what}: no server holds the shard`, this.#limits.pauseMs)
  }

  /** Keys' values in their order, one statement a server and `keysAStatement`. Rejects with STORE_UNAVAILABLE. */
  async read<Key, T>(
    family: Family,
    keys: readonly Key[],
    shardOf: (key: Key) => number,
    ask: (server: PostgresServer, keys: readonly Key[]) => Promise<readonly KeyAnswer<T>[]>,
  ): Promise<(T | undefined)[]> {
    const values = new Array<T | undefined>(keys.length)
    const endMs = this.#clock.monotonic() + this.#limits.repeatForMs
    for (let open = keys.map((_, index) => index); open.length > 0; ) {
      const groups = await this.#grouped(family, open, (index) => shardOf(keys[index]!))
      const left = await Promise.all(
        groups.map(async ([server, indices]) => {
          if (!server) return indices
          const answers = await ask(
            server,
            indices.map((index) => keys[index]!),
          )
          return indices.filter((index, at) => {
            values[index] = answers[at]?.value
            return answers[at]?.held !== true
          })
        }),
      )
      open = left.flat()
      if (open.length === 0) break
      if (this.#clock.monotonic() >= endMs) throw unavailable(`no server holds some ${family}s`, this.#limits.pauseMs)
      await this.load()
      await this.#pause()
    }
    return values
  }

  async #grouped(family: Family, indices: readonly number[], shardOf: (index: number) => number) {
    const byServer = new Map<PostgresServer | undefined, number[]>()
    for (const index of indices) {
      const server = await this.#server(family, shardOf(index))
      const group = byServer.get(server)
      if (group) group.push(index)
      else byServer.set(server, [index])
    }
    return [...byServer].flatMap(([server, group]) =>
      slices(group, this.#limits.keysAStatement).map((slice) => [server, slice] as const),
    )
  }

  /** Undefined: the shard is between two servers (M2). Rejects with STORE_UNAVAILABLE. */
  async #server(family: Family, shard: number): Promise<PostgresServer | undefined> {
    const known = this.#places.get(`${family} ${shard}`)
    if (known) return known.server
    await this.load()
    const place = this.#places.get(`${family} ${shard}`)
    if (place || this.#isWhole) return place?.server
    throw unavailable(`no server that answers holds ${family} ${shard}`, this.#limits.pauseMs)
  }

  async #readAll(): Promise<void> {
    const places = new Map<string, Place>()
    const put = (key: string, place: Place) => {
      const other = places.get(key)
      if (other?.epoch === place.epoch && other.server !== place.server) {
        const both = `${other.server.name} and ${place.server.name}`
        throw new ActorError('CORRUPT', `${both} both hold ${key}. Is one of them a copy of the other?`)
      }
      if (!other || other.epoch < place.epoch) places.set(key, place)
    }
    const read = await Promise.all(this.#servers.map((server) => this.#readOne(server)))
    for (const [index, held] of read.entries()) {
      const server = this.#servers[index]!
      for (const { family, shard, epoch } of held ?? []) put(`${family} ${shard}`, { server, epoch })
    }
    for (const [key, place] of this.#places) {
      if (read[this.#servers.indexOf(place.server)] === undefined && !places.has(key)) places.set(key, place)
    }
    this.#places = places
    this.#isWhole = !read.includes(undefined)
  }

  async #readOne(server: PostgresServer): Promise<readonly HeldShard[] | undefined> {
    try {
      await this.#checkSchema(server)
      if (this.#journals !== undefined) await checkBelonging(server, this.#journals)
      return await server.read<HeldShard>(READ_SHARDS, [])
    } catch (error) {
      if (errorCode(error) !== 'STORE_UNAVAILABLE') throw error
      this.#log.warn({ server: server.name, error }, 'a PostgreSQL server does not say which shards it holds')
      return undefined
    }
  }

  /** A program that runs goes on when its successor's tables are made beneath it: they only add (docs/architecture.md). */
  async #checkSchema(server: PostgresServer): Promise<void> {
    try {
      await checkSchema(server)
      this.#checked.add(server)
    } catch (error) {
      if (refusalReason(error) !== 'SCHEMA_TOO_NEW' || !this.#checked.has(server)) throw error
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(PAUSE_MS, resolve))
  }
}

function slices<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
