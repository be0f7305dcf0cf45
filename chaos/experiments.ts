import type { Experiment } from './experiment.js'
import { cassandraDown } from './experiments/cassandra-down.js'
import { drain } from './experiments/drain.js'
import { freezeNode } from './experiments/freeze-node.js'
import { growShrink } from './experiments/grow-shrink.js'
import { killGateway } from './experiments/kill-gateway.js'
import { killNode } from './experiments/kill-node.js'
import { natsDown } from './experiments/nats-down.js'
import { partition } from './experiments/partition.js'
import { rollingRestart } from './experiments/rolling-restart.js'
import { rollingUpgrade } from './experiments/rolling-upgrade.js'

export const experiments: readonly Experiment[] = [
  killNode,
  growShrink,
  drain,
  rollingRestart,
  rollingUpgrade,
  killGateway,
  freezeNode,
  natsDown,
  cassandraDown,
  partition,
]
