import type { Server } from './frame.js'
import type { Logging } from './logging.js'
import type { Settings } from './settings.js'

/** Wires the parts of one server: makes the core that `frame` starts, shows and stops. */
export async function compose(_settings: Settings, _logging: Logging): Promise<Server> {
  throw new Error('The parts are not wired yet.')
}
