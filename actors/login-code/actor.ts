/**
 * The login codes of one phone number.
 *
 * L1. A code is good for the device that asked for it. A device has one at a time, a new one ends the one before; what
 *     other devices ask for ends nothing, or anybody could keep the owner of a number from logging in. For the same
 *     reason one address gets only `SENDS_PER_ADDRESS` of a number's codes, what all strangers have used up comes back
 *     little by little, and addresses that the number was signed in from do not share in it.
 * L2. A code survives `MAX_TRIES` wrong guesses, and strangers get `STRANGERS_PER_HOUR` codes of a number: so guessing
 *     at all costs more than the five digits are worth.
 * L3. What was tried is durable before the answer: a crash gives no tries back.
 */
import { implement, type Random, refuse, type Turn } from '../../runtime/index.js'
import { type Names, phoneKey } from '../name/contract.js'
import { type CodeDelivery, LoginCode, type SentCode } from './contract.js'
import { testCodeOf } from './test-number.js'

export interface LoginCodeOptions {
  readonly delivery: CodeDelivery
  readonly names: Pick<Names, 'owner'>
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
  /** The address that asked. */
  readonly from: string
}

interface Sent {
  readonly atMs: number
  readonly from: string
}

interface LoginCodeState {
  /** Oldest first. */
  readonly codes: readonly LiveCode[]
  /** What was sent within the last hour. */
  readonly sent: readonly Sent[]
  /** What strangers have left, at that time. */
  readonly left: { readonly codes: number; readonly atMs: number }
  /** Addresses that the number was signed in from, the latest last. */
  readonly known: readonly string[]
}

type LoginCodeEntry =
  /** Without `from` before the third format. */
  | { readonly type: 'made'; readonly hash: string; readonly code: string; readonly authKey: string; from?: string }
  | { readonly type: 'resent'; readonly from?: string }
  | { readonly type: 'used'; readonly hash: string }
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
const SENDS_PER_ADDRESS = 8
const STRANGERS_AT_ONCE = 20
const STRANGERS_PER_HOUR = 10
const MAX_KNOWN = 8
/** Of as many devices at most; test numbers have no other bound. */
const MAX_CODES = 32
/** More than the limits let through within an hour. */
const MAX_SENT = 128
const HOUR_MS = 3_600_000

const NOTHING_YET: LoginCodeState = { codes: [], sent: [], left: { codes: STRANGERS_AT_ONCE, atMs: 0 }, known: [] }

function applied(state: LoginCodeState, entry: LoginCodeEntry, atMs: number): LoginCodeState {
  switch (entry.type) {
    case 'made': {
      const { hash, code, authKey, from = '' } = entry
      const made = { hash, code, authKey, sentAtMs: atMs, tries: 0, checked: false, from }
      const others = state.codes.filter((other) => other.authKey !== authKey && isLive(other, atMs))
      return { ...counted(state, from, atMs), codes: [...others, made].slice(-MAX_CODES) }
    }
    case 'resent':
      return counted(state, entry.from ?? '', atMs)
    case 'used': {
      const from = state.codes.find((code) => isMeant(code, entry))?.from ?? ''
      const known = [...state.known.filter((other) => other !== from), from].slice(-MAX_KNOWN)
      return { ...state, known, codes: state.codes.filter((code) => !isMeant(code, entry)) }
    }
    case 'ended':
      return { ...state, codes: state.codes.filter((code) => !isMeant(code, entry)) }
    case 'missed':
      return changed(state, entry, ({ tries }) => ({ tries: tries + 1 }))
    case 'checked':
      return changed(state, entry, () => ({ checked: true }))
  }
}

function counted(state: LoginCodeState, from: string, atMs: number): LoginCodeState {
  const sent = [...recent(state, atMs), { atMs, from }].slice(-MAX_SENT)
  if (state.known.includes(from)) return { ...state, sent }
  return { ...state, sent, left: { codes: Math.max(0, leftAt(state, atMs) - 1), atMs } }
}

function recent({ sent }: LoginCodeState, nowMs: number): readonly Sent[] {
  return sent.filter(({ atMs }) => atMs > nowMs - HOUR_MS)
}

/** How many codes strangers may ask for. */
function leftAt({ left }: LoginCodeState, nowMs: number): number {
  return Math.min(STRANGERS_AT_ONCE, left.codes + ((nowMs - left.atMs) * STRANGERS_PER_HOUR) / HOUR_MS)
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

/** The first format had one code a number; the second did not know addresses. */
function decoded(stored: unknown, version: number): LoginCodeState {
  if (version >= 3) return stored as LoginCodeState
  const { live, codes = live ? [live] : [] } = stored as Partial<Record<'live', LiveCode> & Record<'codes', LiveCode[]>>
  return { ...NOTHING_YET, codes: codes.map((code) => ({ ...code, from: '' })) }
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

function limitSends({ state, nowMs }: LoginCodeTurn, from: string): void {
  if (recent(state, nowMs).filter((sent) => sent.from === from).length >= SENDS_PER_ADDRESS)
    refuse('PHONE_NUMBER_FLOOD')
  if (state.known.includes(from)) return
  const left = leftAt(state, nowMs)
  if (left < 1) refuse(`FLOOD_WAIT_${Math.ceil(((1 - left) * HOUR_MS) / STRANGERS_PER_HOUR / 1000)}`)
}

export function loginCodeActor(options: LoginCodeOptions) {
  const testCode = (phone: string) => (options.testNumbers ? testCodeOf(phone) : undefined)

  function makeCode(): string {
    return String(options.random.int(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0')
  }

  /** Outside the turn: the code is durable before anybody sees it, and the number's owner is asked. */
  function handOver(turn: LoginCodeTurn, { hash, code }: Pick<LiveCode, 'hash' | 'code'>, again: boolean) {
    const phone = turn.id
    return turn.later(async (effect) => {
      // Sends an hour are few: one is not spent on an answer that the code can do without.
      const user = await options.names.owner(phoneKey(phone), effect).catch((error) => {
        turn.log.warn({ err: error }, 'it is not known whose number it is; the login code goes to the phone alone')
        return undefined
      })
      try {
        const via = await options.delivery.deliver({ phone, code, again, ...(user !== undefined && { user }) })
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
      version: 3,
      initial: () => NOTHING_YET,
      decode: decoded,
      apply: (state, entry, { atMs }) => applied(state, entry, atMs),
    },
    methods: {
      send(turn, { authKey, from, resend }) {
        const known = testCode(turn.id)
        const again = resend === undefined ? undefined : liveCode(turn, resend, authKey)
        if (known === undefined) limitSends(turn, from)
        if (again) {
          if (known !== undefined) return presented(again)
          turn.append({ type: 'resent', from })
          return handOver(turn, again, true)
        }
        const made = { hash: options.random.bytes(9).toString('base64url'), code: known ?? makeCode() }
        turn.append({ type: 'made', ...made, authKey, from })
        return known === undefined ? handOver(turn, made, false) : presented(made)
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
        if (turn.state.codes.some((code) => code.hash === hash)) turn.append({ type: 'used', hash })
      },
    },
  })
}
