export { defaultUpdatesLimits, Updates, type UpdatesLimits, type UpdatesOptions, type UpdatesSizes } from './updates.js'
