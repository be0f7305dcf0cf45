import { journalStoreSuite } from '../contract/journal-store.suite.js'
import { cassandraHarness } from '../testing/cassandra-harness.js'
import { testKeyspace } from '../testing/cassandra-server.js'

const keyspace = testKeyspace('journals')

journalStoreSuite('Cassandra', () => cassandraHarness(keyspace.session))
