import type { ActorLog } from '../actor.js'
import type { RuntimeMetrics } from '../metrics.js'

const nothing = () => undefined

export const noMetrics: RuntimeMetrics = {
  call: nothing,
  turn: nothing,
  queueDepth: nothing,
  activation: nothing,
  refusal: nothing,
  commit: nothing,
}

export const noLog: ActorLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** A log that keeps what it is told, as `level: message`. */
export class KeptLog implements ActorLog {
  readonly lines: { readonly level: string; readonly fields: Record<string, unknown>; readonly message: string }[] = []

  debug(): void {}

  info(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'info', fields, message })
  }

  warn(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'warn', fields, message })
  }

  error(fields: Record<string, unknown>, message: string): void {
    this.lines.push({ level: 'error', fields, message })
  }
}
