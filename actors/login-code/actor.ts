/**
 * The login codes of one phone number.
 *
 * L1. One code lives at a time; a new one ends the one before. A code is good for the device that asked for it.
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
  readonly live?: LiveCode
  /** When codes were sent within the last hour. */
  readonly sentAtMs: readonly number[]
}

type LoginCodeEntry =
  | { readonly type: 'made'; readonly hash: string; readonly code: string; readonly authKey: string }
  | { readonly type: 'resent' }
  | { readonly type: 'missed' }
  | { readonly type: 'checked' }
  | { readonly type: 'ended' }

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
const HOUR_MS = 3_600_000

function applied(state: LoginCodeState, entry: LoginCodeEntry, atMs: number): LoginCodeState {
  const { live } = state
  const sent = state.sentAtMs.filter((sentAtMs) => sentAtMs > atMs - HOUR_MS)
  switch (entry.type) {
    case 'made': {
      const { hash, code, authKey } = entry
      const made = { hash, code, authKey, sentAtMs: atMs, tries: 0, checked: false }
      return { live: made, sentAtMs: [...sent, atMs] }
    }
    case 'resent':
      return { ...state, sentAtMs: [...sent, atMs] }
    case 'ended':
      return { sentAtMs: state.sentAtMs }
  }
  if (!live) return state
  switch (entry.type) {
    case 'missed':
      return { ...state, live: { ...live, tries: live.tries + 1 } }
    case 'checked':
      return { ...state, live: { ...live, checked: true } }
  }
}

/** L1: the code that `hash` names, while it is good. Refused: PHONE_CODE_EXPIRED. */
function liveCode({ state, nowMs }: Pick<LoginCodeTurn, 'state' | 'nowMs'>, hash: string, authKey?: string): LiveCode {
  const { live } = state
  if (!live || live.hash !== hash || nowMs >= live.sentAtMs + CODE_LASTS_MS) return refuse('PHONE_CODE_EXPIRED')
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
      version: 1,
      initial: () => ({ sentAtMs: [] }),
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
        turn.append({ type: 'ended' })
      },
      check(turn, { hash, code, authKey }) {
        const live = liveCode(turn, hash, authKey)
        if (code === '') refuse('PHONE_CODE_EMPTY')
        if (code === live.code) {
          if (!live.checked) turn.append({ type: 'checked' })
          return
        }
        turn.append(live.tries + 1 >= MAX_TRIES ? { type: 'ended' } : { type: 'missed' })
        refuse('PHONE_CODE_INVALID')
      },
      wasChecked(turn, { hash, authKey }) {
        if (!liveCode(turn, hash, authKey).checked) refuse('PHONE_CODE_EXPIRED')
      },
      consume(turn, { hash }) {
        if (turn.state.live?.hash === hash) turn.append({ type: 'ended' })
      },
    },
  })
}
