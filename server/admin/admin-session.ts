import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '../../runtime/index.js'
import { settingTable } from '../setting-table.js'
import { SettingsRefused } from '../settings.js'

const cookieName = 'heliograph_admin'
const sessionMs = 12 * 60 * 60 * 1_000
const fewestCharacters = 16

/**
 * The token of a file, which all nodes share.
 *
 * @throws SettingsRefused when it cannot be read, or is too short to be a secret
 */
export function readAdminToken(path: string): string {
  const { env } = settingTable.adminTokenFile
  const wanted = `give a file with a secret of ${fewestCharacters} characters or more, such as openssl rand -hex 32 makes`
  let token: string
  try {
    token = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new SettingsRefused([{ env, value: path, cure: `cannot be read (${code}): ${wanted}` }])
  }
  if (token.length >= fewestCharacters) return token
  throw new SettingsRefused([{ env, value: path, cure: `holds ${token.length} characters: ${wanted}` }])
}

/**
 * Who may ask: whoever sends the token, or the cookie that the token was exchanged for. The cookie says until when it counts
 * and is signed with the token, so that every node of a cluster takes it, and a new token ends all sessions.
 */
export class AdminSession {
  readonly #token: string
  readonly #clock: Clock

  constructor(token: string, clock: Clock) {
    this.#token = token
    this.#clock = clock
  }

  isToken(given: string): boolean {
    return isSame(this.#sign(given), this.#sign(this.#token))
  }

  /** By the headers `authorization` and `cookie` of a request. */
  mayAsk(authorization: string, cookies: string): boolean {
    if (authorization.startsWith('Bearer ')) return this.isToken(authorization.slice('Bearer '.length).trim())
    const cookie = cookies.split(';').find((each) => each.trim().startsWith(`${cookieName}=`))
    const [untilText = '', signature = ''] = (cookie?.trim().slice(cookieName.length + 1) ?? '').split('.')
    return isSame(signature, this.#sign(untilText)) && Number(untilText) > this.#clock.now()
  }

  /** The value of `set-cookie` for who has shown the token. */
  begin(isTls: boolean): string {
    const until = String(Math.round(this.#clock.now() + sessionMs))
    return this.#cookie(`${until}.${this.#sign(until)}`, sessionMs / 1_000, isTls)
  }

  /** The value of `set-cookie` for who leaves. */
  end(isTls: boolean): string {
    return this.#cookie('', 0, isTls)
  }

  #cookie(value: string, maxAgeSeconds: number, isTls: boolean): string {
    const rules = `Path=/admin; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict`
    return `${cookieName}=${value}; ${rules}${isTls ? '; Secure' : ''}`
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#token).update(text).digest('base64url')
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
