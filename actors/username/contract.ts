import { actorType } from '../../runtime/index.js'

/**
 * Who owns a username: one actor a name (lower case), so that it is unique under concurrency. Taking one is reserve,
 * entry in the user's journal (User.setUsername with the token), confirm. An abandoned reservation is resolved against
 * that journal (User.settleUsername), whose word is final.
 */
export interface Username {
  /** Reserves for `user`; a token to set it with, or REFUSED USERNAME_OCCUPIED. A user's own name gives a token again. */
  reserve(user: number): Promise<{ readonly token: number }>
  confirm(request: { readonly user: number; readonly token: number }): Promise<void>
  /** No effect unless `user` holds it. */
  release(request: { readonly user: number }): Promise<void>
  /** The user that holds the name for sure. */
  owner(): Promise<number | undefined>
}

/** Prefix search over confirmed usernames; the storage port behind it is wired by the composition root. */
export interface UsernameSearch {
  prefix(query: string, limit: number): Promise<readonly { readonly username: string; readonly user: number }[]>
}

const USERNAME = /^[a-z][a-z0-9_]{3,30}[a-z0-9]$/

/** Telegram's rule: 5 to 32 of a-z, 0-9 and underscores, begins with a letter, does not end with an underscore. */
export function isUsername(name: string): boolean {
  return USERNAME.test(name.toLowerCase()) && !name.includes('__')
}

export const Username = actorType<Username, string>('username', {
  methods: { reserve: 'turn', confirm: 'turn', release: 'turn', owner: 'turn' },
  key: (id) => {
    if (!isUsername(id)) throw new TypeError(`bad username ${JSON.stringify(id)}`)
    return id.toLowerCase()
  },
  parse: (key) => key,
})
