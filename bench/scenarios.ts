import type { Scenario } from './scenario.js'
import { cassandraCommits } from './scenarios/cassandra-commits.js'
import { cassandraHistory } from './scenarios/cassandra-history.js'
import { connectionMemory } from './scenarios/connection-memory.js'
import { growth } from './scenarios/growth.js'
import { historyGrowth } from './scenarios/history-growth.js'
import { idleActorMemory } from './scenarios/idle-actor-memory.js'
import { join } from './scenarios/join.js'
import { localCall } from './scenarios/local-call.js'
import { privateMessage } from './scenarios/private-message.js'
import { pushFanout } from './scenarios/push-fanout.js'
import { reconnect } from './scenarios/reconnect.js'
import { remoteCall } from './scenarios/remote-call.js'

/** Every scenario, in the order of `--list`. */
export const scenarios: readonly Scenario[] = [
  localCall,
  remoteCall,
  idleActorMemory,
  connectionMemory,
  pushFanout,
  privateMessage,
  reconnect,
  historyGrowth,
  cassandraCommits,
  cassandraHistory,
  growth,
  join,
]
