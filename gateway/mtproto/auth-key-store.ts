import type { Long } from './long.js'

/** What `initConnection` said of the client. */
export interface ClientInfo {
  readonly apiId: number
  readonly deviceModel: string
  readonly systemVersion: string
  readonly appVersion: string
  readonly systemLangCode: string
  readonly langPack: string
  readonly langCode: string
}

export interface NewAuthKey {
  readonly id: Long
  /** 256 bytes. */
  readonly key: Buffer
  /** Unix time at which a temporary key ends; absent for a permanent one. */
  readonly expiresAtSeconds?: number
}

export interface AuthKeyRecord extends NewAuthKey {
  /** The permanent key that this temporary one is bound to. */
  readonly permanentKeyId?: Long
  /** The layer that the client said last on this key, 0 if it never did. */
  readonly layer: number
  /** The account that is signed in on this key, 0 for none. Always 0 on a temporary key. */
  readonly userId: number
  readonly client?: ClientInfo
}

/** What login, logout and the like may change in a cached record. */
export type AuthKeyPatch = Partial<Pick<AuthKeyRecord, 'layer' | 'userId' | 'client'>>

export interface TemporaryBinding {
  readonly temporaryKeyId: Long
  readonly permanentKeyId: Long
  readonly expiresAtSeconds: number
}

/** Where auth keys live. Rejections are taken for a store that does not answer: the client is told to come back. */
export interface AuthKeyStore {
  /** Resolves once the key is durable; only then the client is told `dh_gen_ok`. */
  create(key: NewAuthKey): Promise<void>
  /** The record, or undefined if there is no such key (or it has expired). */
  load(id: Long): Promise<AuthKeyRecord | undefined>
  /** Resolves once it is durable that the temporary key stands for the permanent one. */
  bindTemporary(binding: TemporaryBinding): Promise<void>
  /** Keeps the layer and the client's description: some clients say them once and never again. */
  remember(id: Long, facts: { readonly layer: number; readonly client?: ClientInfo }): Promise<void>
  /** Resolves once the key and the temporary keys bound to it are durably gone. */
  destroy(id: Long): Promise<void>
}
