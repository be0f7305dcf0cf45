import cassandra from 'cassandra-driver'

const { Long } = cassandra.types
export type Stamp = cassandra.types.Long

/** Counters below it, so that a stamp fits in 63 bits. */
const mostEpochs = 2 ** 23
const mostStamps = 2 ** 40

/**
 * Timestamps of rows that are written over (CORE J6): epoch << 40 | a counter that this process never repeats. A row of a
 * later epoch wins over any of an earlier one, whenever it lands; within an epoch, the later write wins.
 */
export class Stamps {
  #counter = 0

  next(epoch: number): Stamp {
    if (!Number.isSafeInteger(epoch) || epoch < 0 || epoch >= mostEpochs) {
      throw new RangeError(`No stamp for epoch ${epoch}: epochs go from 0 to ${mostEpochs - 1}`)
    }
    const counter = ++this.#counter
    if (counter >= mostStamps) throw new RangeError('This process has used up its stamps. Start it again.')
    return Long.fromBits((counter % 2 ** 32) | 0, (epoch * 256 + Math.floor(counter / 2 ** 32)) | 0)
  }
}
