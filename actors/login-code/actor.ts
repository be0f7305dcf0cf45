/**
 * The login codes of one phone number.
 *
 * L1. A code is good for the device that asked for it. A device has one at a time, a new one ends the one before; what
 *     other devices ask for ends nothing, or anybody could keep the owner of a number from logging in.
 * L2. A code survives `MAX_TRIES` wrong guesses, and a number gets `MAX_SENDS` codes an hour: so guessing at all costs
 *     more than the five digits are worth.
 * L3. What was tried is durable before the answer: a crash gives no tries back.
 */
import { implement, type Random, refuse, type Turn } from '../../runtime/index.js'
import { Phone } from '../phone/contract.js'
import { type CodeDelivery, LoginCode, type SentCode } from './contract.js'
import { testCodeOf } from './test-number.js'

export interface LoginCodeOptions {
  readonly delivery: CodeDelivery
  readonly random: Random
  /** Whether 99966XYYYY may log in with the code XXXXX. */
  readonly testNumbers: boolean
}

interface LiveCode {
  readonly hash: string
  readonly code: string
  readonly authKey: string
  readonly sentAtMs: number
  readonly tries: number
  readonly checked: boolean
}

interface LoginCodeState {
  /** Oldest first. */
  readonly codes: readonly LiveCode[]
  /** When codes were sent within the last hour. */
  readonly sentAtMs: readonly number[]
}

type LoginCodeEntry =
  | { readonly type: 'made'; readonly hash: string; readonly code: string; readonly authKey: string }
  | { readonly type: 'resent' }
  /** Without a hash, in the first format: the only code that there was. */
  | { readonly type: 'missed' | 'checked' | 'ended'; readonly hash?: string }

interface LoginCodeShape {
  contract: LoginCode
  id: string
  state: LoginCodeState
  entry: LoginCodeEntry
  memory: undefined
}

type LoginCodeTurn = Turn<LoginCodeShape>

const CODE_DIGITS = 5
const CODE_LASTS_MS = 300_000
const RESEND_AFTER_SECONDS = 60
const MAX_TRIES = 5
const MAX_SENDS = 10
/** Of as many devices at most; test numbers have no other bound. */
const MAX_CODES = 32
const HOUR_MS = 3_600_000

function applied(state: LoginCodeState, entry: LoginCodeEntry, atMs: number): LoginCodeState {
  const sent = state.sentAtMs.filter((sentAtMs) => sentAtMs > atMs - HOUR_MS)
  switch (entry.type) {
    case 'made': {
      const { hash, code, authKey } = entry
      const made = { hash, code, authKey, sentAtMs: atMs, tries: 0, checked: false }
      const others = state.codes.filter((other) => other.authKey !== authKey && isLive(other, atMs))
      return { codes: [...others, made].slice(-MAX_CODES), sentAtMs: [...sent, atMs].slice(-MAX_CODES) }
    }
    case 'resent':
      return { ...state, sentAtMs: [...sent, atMs] }
    case 'ended':
      return { ...state, codes: state.codes.filter((code) => !isMeant(code, entry)) }
    case 'missed':
      return changed(state, entry, ({ tries }) => ({ tries: tries + 1 }))
    case 'checked':
      return changed(state, entry, () => ({ checked: true }))
  }
}

function changed(
  state: LoginCodeState,
  entry: { readonly hash?: string },
  change: (code: LiveCode) => Partial<LiveCode>,
): LoginCodeState {
  return { ...state, codes: state.codes.map((code) => (isMeant(code, entry) ? { ...code, ...change(code) } : code)) }
}

function isMeant(code: LiveCode, { hash }: { readonly hash?: string }): boolean {
  return hash === undefined || code.hash === hash
}

function isLive({ sentAtMs }: LiveCode, nowMs: number): boolean {
  return nowMs < sentAtMs + CODE_LASTS_MS
}

/** The first format had one code a number. */
function decoded(stored: unknown, version: number): LoginCodeState {
  if (version >= 2) return stored as LoginCodeState
  const { live, sentAtMs } = stored as { readonly live?: LiveCode; readonly sentAtMs: readonly number[] }
  return { codes: live ? [live] : [], sentAtMs }
}

/** L1: the code that `hash` names, while it is good. Refused: PHONE_CODE_EXPIRED. */
function liveCode({ state, nowMs }: Pick<LoginCodeTurn, 'state' | 'nowMs'>, hash: string, authKey?: string): LiveCode {
  const live = state.codes.find((code) => code.hash === hash)
  if (!live || !isLive(live, nowMs)) return refuse('PHONE_CODE_EXPIRED')
  return authKey !== undefined && live.authKey !== authKey ? refuse('PHONE_CODE_EXPIRED') : live
}

function presented({ hash }: Pick<LiveCode, 'hash'>, via: SentCode['via'] = 'sms'): SentCode {
  return { hash, length: CODE_DIGITS, via, timeoutSeconds: RESEND_AFTER_SECONDS }
}

function limitSends({ state, nowMs }: LoginCodeTurn): void {
  if (state.sentAtMs.filter((sentAtMs) => sentAtMs > nowMs - HOUR_MS).length >= MAX_SENDS) refuse('PHONE_NUMBER_FLOOD')
}

export function loginCodeActor(options: LoginCodeOptions) {
  const testCode = (phone: string) => (options.testNumbers ? testCodeOf(phone) : undefined)

  function makeCode(): string {
    return String(options.random.int(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0')
  }

  /** Outside the turn: the code is durable before anybody sees it, and the number's owner is asked. */
  function handOver(turn: LoginCodeTurn, { hash, code }: Pick<LiveCode, 'hash' | 'code'>) {
    const phone = turn.id
    return turn.later(async (effect) => {
      const user = await effect.ref(Phone, phone).owner()
      try {
        const via = await options.delivery.deliver({ phone, code, ...(user !== undefined && { user }) })
        return presented({ hash }, via)
      } catch (error) {
        turn.log.error({ err: error }, 'a login code could not be delivered')
        return refuse('SMS_CODE_CREATE_FAILED')
      }
    })
  }

  return implement<LoginCodeShape>({
    type: LoginCode,
    state: {
      version: 2,
      initial: () => ({ codes: [], sentAtMs: [] }),
      decode: decoded,
      apply: (state, entry, { atMs }) => applied(state, entry, atMs),
    },
    methods: {
      send(turn, { authKey, resend }) {
        const known = testCode(turn.id)
        const again = resend === undefined ? undefined : liveCode(turn, resend, authKey)
        if (known === undefined) limitSends(turn)
        if (again) {
          if (known !== undefined) return presented(again)
          turn.append({ type: 'resent' })
          return handOver(turn, again)
        }
        const made = { hash: options.random.bytes(9).toString('base64url'), code: known ?? makeCode() }
        turn.append({ type: 'made', ...made, authKey })
        return known === undefined ? handOver(turn, made) : presented(made)
      },
      cancel(turn, { hash }) {
        liveCode(turn, hash)
        turn.append({ type: 'ended', hash })
      },
      check(turn, { hash, code, authKey }) {
        const live = liveCode(turn, hash, authKey)
        if (code === '') refuse('PHONE_CODE_EMPTY')
        if (code === live.code) {
          if (!live.checked) turn.append({ type: 'checked', hash })
          return
        }
        turn.append({ type: live.tries + 1 >= MAX_TRIES ? 'ended' : 'missed', hash })
        refuse('PHONE_CODE_INVALID')
      },
      wasChecked(turn, { hash, authKey }) {
        if (!liveCode(turn, hash, authKey).checked) refuse('PHONE_CODE_EXPIRED')
      },
      consume(turn, { hash }) {
        if (turn.state.codes.some((code) => code.hash === hash)) turn.append({ type: 'ended', hash })
      },
    },
  })
}
