import type { Experiment } from './experiment.js'
import { growShrink } from './experiments/grow-shrink.js'
import { killGateway } from './experiments/kill-gateway.js'
import { killNode } from './experiments/kill-node.js'

export const experiments: readonly Experiment[] = [killNode, growShrink, killGateway]
