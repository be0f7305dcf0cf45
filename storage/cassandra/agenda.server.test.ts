import { agendaStoreSuite } from '../contract/agenda-store.suite.js'
import { cassandraHarness } from '../testing/cassandra-harness.js'
import { testKeyspace } from '../testing/cassandra-server.js'

const keyspace = testKeyspace('agenda')

agendaStoreSuite('Cassandra', () => cassandraHarness(keyspace.session))
