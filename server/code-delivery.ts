import type { CodeDelivery } from '../actors/login-code/contract.js'
import type { LoginCodeSettings } from './settings.js'

/** What drivers need of the outside world. */
export interface CodeDeliveryWorld {
  /** Shows a line to the person at the server's terminal. */
  print(line: string): void
  readonly fetch: typeof fetch
}

const webhookAnswersWithinMs = 10_000

/** A way out of the server for codes. */
export interface CodeDriver extends CodeDelivery {
  /** Codes may go this way even when they have reached their owner otherwise. */
  readonly costsNothing: boolean
}

/** The driver that the settings ask for. */
export function codeDelivery(settings: LoginCodeSettings, world: CodeDeliveryWorld): CodeDriver {
  return settings.driver === 'webhook' ? webhook(settings, world.fetch) : terminal(world.print)
}

/** For development and small circles: whoever sees the terminal passes the code on. */
function terminal(print: CodeDeliveryWorld['print']): CodeDriver {
  return {
    costsNothing: true,
    async deliver({ phone, code }) {
      print(`Login code for +${phone}: ${code}`)
      return 'sms'
    },
  }
}

/** A provider of text messages is reached through an HTTP endpoint of the operator's. */
function webhook(
  settings: { readonly url: string; readonly secret: string | undefined },
  request: typeof fetch,
): CodeDriver {
  const headers = {
    'content-type': 'application/json',
    ...(settings.secret === undefined ? {} : { authorization: `Bearer ${settings.secret}` }),
  }
  return {
    costsNothing: false,
    async deliver({ phone, code }) {
      const response = await request(settings.url, {
        method: 'POST',
        headers,
        body: JSON.stringify({ phone, code }),
        redirect: 'error',
        signal: AbortSignal.timeout(webhookAnswersWithinMs),
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`the login code webhook answered ${response.status}`)
      return 'sms'
    },
  }
}
