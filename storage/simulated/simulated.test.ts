import { accountStoreSuite } from '../contract/account-store.suite.js'
import { agendaStoreSuite } from '../contract/agenda-store.suite.js'
import { journalStoreSuite } from '../contract/journal-store.suite.js'
import { nameDirectorySuite } from '../contract/name-directory.suite.js'
import { nameIndexSuite } from '../contract/name-index.suite.js'
import { simulatedHarness } from '../testing/simulated-harness.js'

journalStoreSuite('a simulated disk', simulatedHarness)
agendaStoreSuite('a simulated disk', simulatedHarness)
nameIndexSuite('a simulated disk', simulatedHarness)
nameDirectorySuite('a simulated disk', simulatedHarness)
accountStoreSuite('a simulated disk', simulatedHarness)
