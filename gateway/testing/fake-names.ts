import type { NameKey, Names } from '../../actors/name/contract.js'
import type { AccountRow, AccountRows } from '../../actors/user/contract.js'

/** Names as a test gives them out. */
export class FakeNames implements Names {
  /** By kind and name: `username alice`. */
  readonly owned = new Map<string, number>()
  /** What every look-up rejects with. */
  failure: Error | undefined

  async owners(names: readonly NameKey[]): Promise<readonly (number | undefined)[]> {
    if (this.failure) throw this.failure
    return names.map(({ kind, name }) => this.owned.get(`${kind} ${name}`))
  }

  async owner(name: NameKey): Promise<number | undefined> {
    return (await this.owners([name]))[0]
  }

  async reserveUsername(): Promise<number> {
    if (this.failure) throw this.failure
    return 1
  }

  async reservePhone({ user }: { readonly user: number }) {
    if (this.failure) throw this.failure
    return { user, owned: false }
  }

  async search(query: string, limit: number) {
    const found = [...this.owned].filter(([key]) => key.startsWith(`username ${query}`))
    return found.slice(0, limit).map(([key, user]) => ({ username: key.slice('username '.length), user }))
  }
}

/** Account rows as a test puts them. */
export class FakeAccounts implements AccountRows {
  readonly rows = new Map<number, AccountRow>()
  readonly asked: (readonly number[])[] = []
  failure: Error | undefined

  async get(asked: Parameters<AccountRows['get']>[0]) {
    this.asked.push(asked.map(({ id }) => id))
    if (this.failure) throw this.failure
    return asked.map(({ id, atLeast }) => {
      const row = this.rows.get(id)
      return row && (!atLeast || row.version.pts >= atLeast.pts) ? row : undefined
    })
  }
}
