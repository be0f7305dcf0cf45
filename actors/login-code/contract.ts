import { actorType } from '../../runtime/index.js'

/** The login codes of one phone number: at most one live code a device, few tries, few sends an hour. */
export interface LoginCode {
  /**
   * Makes a code (or keeps the live one on `resend`) and has it delivered. `from` is what limits count as one address.
   * Refused: PHONE_NUMBER_FLOOD (that address asked for too many), FLOOD_WAIT_X (all strangers together did).
   */
  send(request: { readonly authKey: string; readonly from: string; readonly resend?: string }): Promise<SentCode>
  cancel(request: { readonly hash: string }): Promise<void>
  /** Refused: PHONE_CODE_INVALID, PHONE_CODE_EXPIRED, PHONE_CODE_EMPTY. A right code stays good for signUp until it expires. */
  check(request: { readonly hash: string; readonly code: string; readonly authKey: string }): Promise<void>
  /** For signUp: the hash belongs to a code that `check` found right. Refused: PHONE_CODE_EXPIRED. */
  wasChecked(request: { readonly hash: string; readonly authKey: string }): Promise<void>
  /** Ends the code: it signed somebody in, whose address is nobody strange from now on. */
  consume(request: { readonly hash: string }): Promise<void>
}

export interface SentCode {
  readonly hash: string
  readonly length: number
  readonly via: 'app' | 'sms'
  readonly timeoutSeconds: number
}

export interface CodeRequest {
  readonly phone: string
  readonly code: string
  /** The account of the number. */
  readonly user?: number
  /** It did not arrive the first time: another way is wanted. */
  readonly again?: boolean
}

/** How a code reaches its owner; drivers: console, HTTP webhook, and the service message to live sessions. */
export interface CodeDelivery {
  /** Resolves when the driver took it; rejects with a reason that is logged. Never logs the code itself but on the console driver. */
  deliver(request: CodeRequest): Promise<'app' | 'sms'>
}

export const LoginCode = actorType<LoginCode, string>('login-code', {
  methods: { send: 'turn', cancel: 'turn', check: 'turn', wasChecked: 'read', consume: 'turn' },
  key: (id) => id,
  parse: (key) => key,
})
