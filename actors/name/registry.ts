/**
 * Taking and looking up names.
 *
 * G1. A name leaves a holder only by the word of that holder's journal, which is final: `held` makes him the owner, `void`
 *     means that no token up to the one asked about can be used any more. Then it is released, up to that token.
 * G2. A reservation is left alone for a minute; after that, whoever looks settles it.
 * G3. Actors are asked outside of turns, so that two who want each other's names do not wait for each other.
 */
import { ActorError, type Clock, refuse } from '../../runtime/index.js'
import type { NameDirectory, NameRecord } from '../../storage/ports/name-directory.js'
import type { NameIndex } from '../../storage/ports/name-index.js'
import { User } from '../user/contract.js'
import { type Asker, type NameKey, type Names, phoneKey, usernameKey } from './contract.js'

/** Long enough for a change that is under way. */
const RESERVATION_LASTS_MS = 60_000
/** A name that changes hands more often within one call is wanted by too many. */
const MOST_ATTEMPTS = 4
const TRY_AGAIN_AFTER_MS = 1_000

export interface NameRegistryPorts {
  readonly clock: Clock
  readonly directory: NameDirectory
  readonly names: Pick<NameIndex, 'prefix'>
}

export class NameRegistry implements Names {
  readonly #clock: Clock
  readonly #directory: NameDirectory
  readonly #names: NameRegistryPorts['names']

  constructor({ clock, directory, names }: NameRegistryPorts) {
    this.#clock = clock
    this.#directory = directory
    this.#names = names
  }

  async owners(names: readonly NameKey[], asker: Asker): Promise<readonly (number | undefined)[]> {
    const records = await this.#directory.find(names)
    return Promise.all(records.map((record, at) => record && this.#ownerOf(names[at]!, record, asker)))
  }

  async owner(name: NameKey, asker: Asker): Promise<number | undefined> {
    return (await this.owners([name], asker))[0]
  }

  async reserveUsername({ username, user }: { username: string; user: number }, asker: Asker): Promise<number> {
    const { holder, token } = await this.#reserve(usernameKey(username), user, asker)
    return holder === user ? token : refuse('USERNAME_OCCUPIED')
  }

  async reservePhone({ phone, user }: { phone: string; user: number }, asker: Asker) {
    const { holder, owned } = await this.#reserve(phoneKey(phone), user, asker)
    return { user: holder, owned }
  }

  async search(query: string, limit: number) {
    const matches = await this.#names.prefix(query, limit)
    return matches.map(({ name, userId }) => ({ username: name, user: userId }))
  }

  async #ownerOf(name: NameKey, record: NameRecord, asker: Asker): Promise<number | undefined> {
    const { holder, owned, reservedAtMs } = record
    if (reservedAtMs === undefined || this.#isYoung(record)) return owned ? holder : undefined
    return (await this.#settle(name, record, asker)) === 'held' ? holder : undefined
  }

  /** The record once it is the user's, or once another has it for good or for the moment. */
  async #reserve(name: NameKey, user: number, asker: Asker): Promise<NameRecord> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const record = await this.#directory.reserve({ ...name, user, atMs: Math.floor(this.#clock.now()) })
      if (record.holder === user || this.#isYoung(record)) return record
      if ((await this.#settle(name, record, asker)) === 'held') return { ...record, owned: true }
    }
    const details = { retryAfterMs: TRY_AGAIN_AFTER_MS }
    throw new ActorError('OVERLOADED', `the ${name.kind} changes hands all the time`, details)
  }

  #isYoung({ reservedAtMs }: NameRecord): boolean {
    return reservedAtMs !== undefined && this.#clock.now() < reservedAtMs + RESERVATION_LASTS_MS
  }

  /** G1. */
  async #settle(name: NameKey, { holder, token }: NameRecord, asker: Asker): Promise<'held' | 'void'> {
    const said = await asker.ref(User, holder).settleName({ ...name, token })
    if (said === 'void') await this.#directory.release({ ...name, user: holder, upTo: token })
    else await this.#directory.confirm({ ...name, user: holder, token })
    return said
  }
}
