import { MemoryRegister } from '../../runtime/testing/index.js'
import { ownershipRegisterSuite } from '../contract/ownership-register.suite.js'

ownershipRegisterSuite('memory', async () => new MemoryRegister())
