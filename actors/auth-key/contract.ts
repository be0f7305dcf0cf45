import { actorType } from '../../runtime/index.js'

/** How long a key is kept that no account is signed in on. */
export const UNSIGNED_KEY_KEPT_MS = 24 * 3_600_000

/**
 * One MTProto auth key: the secret, what it is bound to, and what its client said of itself. Id: 16 hex digits.
 *
 * A key that nobody is signed in on is forgotten, with all that is stored of it: a temporary one at its end, another
 * `UNSIGNED_KEY_KEPT_MS` after it was made, signed out, or said to `keep`. Its client is told that it is unknown, and
 * makes another.
 */
export interface AuthKey {
  /** The key's first entry; durable before the client hears dh_gen_ok. Refused with AUTH_KEY_DUPLICATED when it exists. */
  create(request: { readonly key: Uint8Array; readonly expiresAtMs?: number }): Promise<void>
  load(): Promise<StoredAuthKey | undefined>
  /** A temporary key bound to a permanent one (PFS); binding again replaces. */
  bind(request: { readonly permanent: string }): Promise<void>
  remember(client: ClientInfo): Promise<void>
  /** Somebody is about to sign in on it. Refused with AUTH_KEY_UNREGISTERED when it is forgotten. */
  keep(): Promise<void>
  /** A hint for the gateway; the user's journal is the authority for authorizations. 0: signed out. */
  signIn(user: number): Promise<void>
  /** It is unknown from now on, and nothing is stored of it a moment later. */
  destroy(): Promise<void>
}

export interface StoredAuthKey {
  readonly key: Uint8Array
  readonly createdAtMs: number
  readonly expiresAtMs?: number
  readonly permanent?: string
  readonly user: number
  readonly client?: ClientInfo
}

/** From invokeWithLayer and initConnection. */
export interface ClientInfo {
  readonly layer: number
  readonly apiId: number
  readonly deviceModel: string
  readonly systemVersion: string
  readonly appVersion: string
  readonly systemLangCode: string
  readonly langPack: string
  readonly langCode: string
}

const AUTH_KEY_ID = /^[0-9a-f]{16}$/

export const AuthKey = actorType<AuthKey, string>('auth-key', {
  methods: {
    create: 'turn',
    load: 'read',
    bind: 'turn',
    remember: 'turn',
    keep: 'turn',
    signIn: 'turn',
    destroy: 'turn',
  },
  key: (id) => {
    if (!AUTH_KEY_ID.test(id)) throw new TypeError('bad auth key id')
    return id
  },
  parse: (key) => key,
})
