import { type HttpListener, listenHttp } from '../gateway/index.js'
import type { Clock } from '../runtime/index.js'
import type { Endpoint } from './listening-file.js'
import type { Log } from './logging.js'

const certificateLookedAtEveryMs = 1_000

/** The HTTP port of a node without clients: health, metrics and what operators ask. It ends with the process. */
export async function operatorsOnly(at: Parameters<typeof listenHttp>[1], log: Log, clock: Clock): Promise<Endpoint> {
  const listener = await listenHttp(undefined, at, log)
  if (at.tls) lookAgain(listener, log, clock)
  return listener.listening
}

function lookAgain(listener: HttpListener, log: Log, clock: Clock): void {
  clock.setTimer(certificateLookedAtEveryMs, () => {
    listener.refresh().catch((error: unknown) => {
      log.error({ err: error }, 'the TLS certificate could not be read again; the old one stays in use')
    })
    lookAgain(listener, log, clock)
  })
}
