// The process: reads the settings, composes a server, starts it, stops it on a signal.
//
// M1. Nobody else reads the environment.
// M2. A problem that the person who starts the server can mend ends it with a line a problem, no stack, exit code 1.
// M3. The first signal stops in order, within the grace; another one a second later or more ends the process at once.
// M4. A server that may own nothing any more stops, and ends with exit code 1: whoever supervises it starts it anew.
// M5. An error that nobody caught ends the process: what is durable survives that, what is wrong in memory must not.
// M6. Output that cannot be written ends nothing: whoever read it has gone, or the disk that it goes to is full. A stranger
//     who asks for a login code has one printed.

import { compose } from './compose.js'
import { createLogging, type Logging } from './logging.js'
import { readSettings, type Settings, SettingsRefused } from './settings.js'
import { startRefusal } from './start-refusal.js'

/**
 * Packets, keys and records are in this pool for a moment. In pieces of Node's 8 KiB, three messages use one up, and making
 * and freeing them took some percent of the CPU. What stays for longer has memory of its own (Outgoing, encodeBody).
 */
const POOL_BYTES = 64 * 1024

/** A signal sent to a group of processes may arrive twice: npm passes on what the terminal sent to both. */
const sameSignalWithinMs = 1_000

function settingsOrEnd(): Settings {
  try {
    return readSettings(process.env)
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error
    for (const line of error.message.split('\n')) process.stderr.write(`${line}\n`)
    process.exit(1)
  }
}

function endOnUncaught(logging: Logging): void {
  const log = logging.component('process')
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nobody caught')
    logging.flush()
    process.exit(1)
  })
}

async function run(): Promise<void> {
  Buffer.poolSize = POOL_BYTES
  process.stdout.on('error', () => {}) // M6
  const settings = settingsOrEnd()
  const logging = createLogging(settings.logLevel)
  endOnUncaught(logging)
  const end = (code: number): never => {
    logging.flush()
    process.exit(code)
  }

  const server = await compose(settings, logging).catch((error: unknown) => refuse(error, settings, end))
  let firstSignalAtMs: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (firstSignalAtMs === undefined) {
        firstSignalAtMs = performance.now()
        server.stop().then((allEnded) => end(allEnded ? 0 : 1))
      } else if (performance.now() - firstSignalAtMs > sameSignalWithinMs) {
        end(1)
      }
    })
  }
  server.lost.then(() => server.stop()).then(() => end(1))
  await server
    .start()
    .catch((error: unknown) => (firstSignalAtMs === undefined ? refuse(error, settings, end) : undefined))
}

/** Ends the process on a start that failed: with the cure when there is one, otherwise with all that is known. */
function refuse(error: unknown, settings: Settings, end: (code: number) => never): never {
  const refusal = startRefusal(error, settings)
  const told = refusal ?? (error instanceof Error ? error.stack : String(error))
  process.stderr.write(`${told}\n`)
  end(1)
}

await run()
