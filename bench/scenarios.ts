import type { Scenario } from './scenario.js'
import { idleActorMemory } from './scenarios/idle-actor-memory.js'
import { localCall } from './scenarios/local-call.js'
import { pushFanout } from './scenarios/push-fanout.js'

/** Every scenario, in the order of `--list`. */
export const scenarios: readonly Scenario[] = [localCall, idleActorMemory, pushFanout]
