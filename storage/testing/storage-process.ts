import type { WholeProcess } from '../contract/harness.js'
import type { EmbeddedStorage } from '../embedded/embedded-storage.js'

export function processOf(storage: EmbeddedStorage): WholeProcess {
  const { journals, agenda, names, directory, accounts, ownership } = storage
  return { journals, agenda, names, directory, accounts, epoch: ownership.epoch, stop: () => storage.close() }
}
