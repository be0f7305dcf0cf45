export type { SessionStore } from './session-directory.js'
export { Updates, type UpdatesLimits, type UpdatesSizes } from './updates.js'
