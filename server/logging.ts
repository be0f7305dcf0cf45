import { type DestinationStream, type Level, type Logger, pino } from 'pino'
import { LogOutput } from './log-output.js'

/** Writes structured lines; `child` fields stand in each of them. */
export type Log = Logger

/** Where lines go, and how to be sure that they went. */
export interface Logging {
  /** The log of one part of the server: every line names it. */
  component(name: string): Log
  /** Writes out what is still in memory; for the last moment of the process. */
  flush(): void
}

/** What must never reach a log, wherever in a line's fields it stands at the top or one below. */
const redacted = ['phoneCode', 'password', 'secret', 'authKey'].flatMap((name) => [name, `*.${name}`])

/**
 * Structured logs: one JSON object a line, on the standard output unless a stream is given. A request's lines carry its
 * `traceId`.
 */
export function createLogging(level: Level | 'silent', stream?: DestinationStream): Logging {
  const out = stream ?? new LogOutput(1)
  const root = pino(
    {
      level,
      base: null,
      // Errors as such say nothing in JSON; some parts name them so, others by the library's own `err`.
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: redacted, censor: '[secret]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    out,
  )
  return {
    component: (name) => root.child({ component: name }),
    flush() {
      if (out instanceof LogOutput) out.flushSync()
    },
  }
}
