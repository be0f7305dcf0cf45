import type { ActorType, Ref } from '../../runtime/index.js'
import type { NameKey } from '../../storage/ports/name-directory.js'

export type { NameKey }

/** Reaches actors for whoever asks: an API call, or an effect of an actor; never a turn (CORE D4). */
export interface Asker {
  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>): Ref<Contract>
}

/**
 * Whose phone numbers and usernames are. Taking one is reserve, entry in the user's journal (which says what the directory
 * forgot, and confirms by itself), see docs/decisions/0009-accounts.md. Rejects with STORE_UNAVAILABLE or OUTCOME_UNKNOWN
 * where the directory does not answer; all of it may be repeated.
 */
export interface Names {
  /** The accounts that own these, in order; a name that is only reserved has no owner yet. */
  owners(names: readonly NameKey[], asker: Asker): Promise<readonly (number | undefined)[]>
  owner(name: NameKey, asker: Asker): Promise<number | undefined>
  /** A token to set the username with (User.setUsername), or REFUSED USERNAME_OCCUPIED. */
  reserveUsername(request: { readonly username: string; readonly user: number }, asker: Asker): Promise<number>
  /**
   * Reserves the number for `user`, a fresh id; answers with the owner, or with whoever reserved it a moment ago: two
   * registrations at once end in one account.
   */
  reservePhone(
    request: { readonly phone: string; readonly user: number },
    asker: Asker,
  ): Promise<{ readonly user: number; readonly owned: boolean }>
  /** Usernames that begin so, and whose they were when the index was last written. Less than three characters find none. */
  search(query: string, limit: number): Promise<readonly { readonly username: string; readonly user: number }[]>
}

const PHONE = /^[1-9][0-9]{4,14}$/
const USERNAME = /^[a-z][a-z0-9_]{3,30}[a-z0-9]$/

/** Digits of an international number (E.164), without '+' or spaces; undefined when it is none. */
export function normalizePhone(text: string): string | undefined {
  const digits = text.replace(/[\s()+.-]/g, '')
  return PHONE.test(digits) ? digits : undefined
}

/** Telegram's rule: 5 to 32 of a-z, 0-9 and underscores, begins with a letter, does not end with an underscore. */
export function isUsername(name: string): boolean {
  return USERNAME.test(name.toLowerCase()) && !name.includes('__')
}

export function phoneKey(phone: string): NameKey {
  return { kind: 'phone', name: phone }
}

/** However it is written: names are compared without regard to case. */
export function usernameKey(username: string): NameKey {
  return { kind: 'username', name: username.toLowerCase() }
}
