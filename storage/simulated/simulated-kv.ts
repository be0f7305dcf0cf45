import type { Clock } from '../../runtime/index.js'
import { defaultFlushLimits, type FlushLimits, FlushQueue } from '../embedded/flush-queue.js'
import type { KvCounters, KvOperation, KvPair, KvRange, OrderedKv } from '../ports/ordered-kv.js'
import type { SimulatedDisk, SimulatedTarget } from './simulated-disk.js'

/** OrderedKv on a simulated disk, with the very flush queue that LMDB has. */
export class SimulatedKv implements OrderedKv {
  readonly #disk: SimulatedDisk
  readonly #target: SimulatedTarget
  readonly #queue: FlushQueue

  constructor(disk: SimulatedDisk, limits: Partial<FlushLimits> = {}) {
    this.#disk = disk
    this.#target = disk.attach()
    this.#queue = new FlushQueue(this.#target, clockOf(disk, this.#target), { ...defaultFlushLimits, ...limits })
  }

  get uncertain(): boolean {
    return this.#queue.uncertain
  }

  get counters(): KvCounters {
    return this.#queue.counters
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkAlive()
    this.#queue.counters.reads++
    return this.#disk.get(Buffer.from(key).toString('latin1'))
  }

  range(range: KvRange): Iterable<KvPair> {
    this.#checkAlive()
    this.#queue.counters.reads++
    return this.#disk.range(range)
  }

  write(batch: readonly KvOperation[]): Promise<void> {
    return this.#queue.write(batch)
  }

  close(): Promise<void> {
    return this.#queue.drain()
  }

  #checkAlive(): void {
    // A simulation that lets a crashed process read on would see a state that it cannot have.
    if (!this.#target.isAlive) throw new Error('The process that had this disk has crashed')
  }
}

/** The disk's clock, except that timers of a process that has crashed do not fire. */
function clockOf({ clock }: SimulatedDisk, target: SimulatedTarget): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, () => target.isAlive && fire()),
  }
}
