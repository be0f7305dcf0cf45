import { actorType } from '../../runtime/index.js'

/** The login codes of one phone number: at most one live code, few tries, few sends an hour. */
export interface LoginCode {
  /** Makes a code (or keeps the live one on `resend`) and hands it to the delivery driver. Refused: PHONE_NUMBER_FLOOD, FLOOD_WAIT_X. */
  send(request: { readonly authKey: string; readonly resend?: string }): Promise<SentCode>
  cancel(request: { readonly hash: string }): Promise<void>
  /** Refused: PHONE_CODE_INVALID, PHONE_CODE_EXPIRED, PHONE_CODE_EMPTY. A right code stays good for signUp until it expires. */
  check(request: { readonly hash: string; readonly code: string; readonly authKey: string }): Promise<void>
  /** For signUp: the hash belongs to a code that `check` found right. Refused: PHONE_CODE_EXPIRED. */
  wasChecked(request: { readonly hash: string; readonly authKey: string }): Promise<void>
  /** Ends the code: it signed somebody in. */
  consume(request: { readonly hash: string }): Promise<void>
}

export interface SentCode {
  readonly hash: string
  readonly length: number
  readonly via: 'app' | 'sms'
  readonly timeoutSeconds: number
}

/** How a code reaches its owner; drivers: console, HTTP webhook, and the service message to live sessions. */
export interface CodeDelivery {
  /** Resolves when the driver took it; rejects with a reason that is logged. Never logs the code itself but on the console driver. */
  deliver(request: { readonly phone: string; readonly code: string; readonly user?: number }): Promise<'app' | 'sms'>
}

export const LoginCode = actorType<LoginCode, string>('login-code', {
  methods: { send: 'turn', cancel: 'turn', check: 'turn', wasChecked: 'read', consume: 'turn' },
  key: (id) => id,
  parse: (key) => key,
})
