import { accountStoreSuite } from '../contract/account-store.suite.js'
import { agendaStoreSuite } from '../contract/agenda-store.suite.js'
import { journalStoreSuite } from '../contract/journal-store.suite.js'
import { nameDirectorySuite } from '../contract/name-directory.suite.js'
import { nameIndexSuite } from '../contract/name-index.suite.js'
import { lmdbHarness } from '../testing/lmdb-harness.js'

journalStoreSuite('LMDB', lmdbHarness)
agendaStoreSuite('LMDB', lmdbHarness)
nameIndexSuite('LMDB', lmdbHarness)
nameDirectorySuite('LMDB', lmdbHarness)
accountStoreSuite('LMDB', lmdbHarness)
