export { Updates, type UpdatesLimits, type UpdatesSizes } from './updates.js'
