import type { AccountRow } from '../../storage/ports/account-store.js'
import type { PublicRecords } from '../user/public-records.js'

/** What an account's actor says outside of its journal, in the order in which it says it. */
export class KeptRecords implements PublicRecords {
  readonly said: string[] = []
  readonly rows: AccountRow[] = []
  /** What every write rejects with. */
  failure: Error | undefined

  readonly directory = {
    confirm: ({ kind, name, token }: { kind: string; name: string; token: number }) =>
      this.#say(`confirm ${kind} ${name} ${token}`),
    release: ({ kind, name, upTo }: { kind: string; name: string; upTo: number }) =>
      this.#say(`release ${kind} ${name} ${upTo}`),
  }
  readonly names = {
    put: (name: string) => this.#say(`index ${name}`),
    remove: (name: string) => this.#say(`remove ${name}`),
  }
  readonly accounts = {
    put: async (row: AccountRow) => {
      if (this.failure) throw this.failure
      this.rows.push(row)
    },
  }

  async #say(text: string): Promise<void> {
    if (this.failure) throw this.failure
    this.said.push(text)
  }
}
