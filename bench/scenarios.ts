import type { Scenario } from './scenario.js'
import { localCall } from './scenarios/local-call.js'

/** Every scenario, in the order of `--list`. */
export const scenarios: readonly Scenario[] = [localCall]
