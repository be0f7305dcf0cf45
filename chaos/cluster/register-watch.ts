import { type NodeIncarnation, type OwnershipRegister, type OwnershipView, systemClock } from '../../runtime/index.js'
import { openCassandraStorage, readCassandra } from '../../storage/index.js'

/** A shard changed hands between two looks at the register. */
export interface Move {
  readonly shard: number
  readonly from: NodeIncarnation | undefined
  readonly to: NodeIncarnation | undefined
  /** The last look that saw it with the former owner, and the first one that saw it with the new one. */
  readonly afterMs: number
  readonly seenMs: number
  /** The former owner had not sealed: the new one waited for the end of its lease. */
  readonly isTakeover: boolean
}

const lookEveryMs = 150
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Looks at the register all the time, as the nodes do: who owned what, when. */
export class RegisterWatch {
  readonly moves: Move[] = []
  readonly #register: OwnershipRegister
  readonly #close: () => Promise<void>
  #view: OwnershipView | undefined
  #owners: (NodeIncarnation | undefined)[] = []
  #lookedMs = 0
  #isStopped = false
  #looking: Promise<void> = Promise.resolve()

  private constructor(register: OwnershipRegister, close: () => Promise<void>) {
    this.#register = register
    this.#close = close
  }

  /** `address`: as HELIOGRAPH_CASSANDRA says it. */
  static async open(address: string): Promise<RegisterWatch> {
    const storage = await openCassandraStorage({
      ...readCassandra(address),
      ...{ clock: systemClock, log: silent, schema: 'check' },
    })
    const watch = new RegisterWatch(storage.register, () => storage.close())
    await watch.#look()
    watch.#looking = watch.#follow()
    return watch
  }

  /** The newest view that was read. */
  get view(): OwnershipView | undefined {
    return this.#view
  }

  /** What the node owned at the last look. */
  shardsOf(node: string): ReadonlySet<number> {
    return new Set([...this.#owners.keys()].filter((shard) => this.#owners[shard]?.node === node))
  }

  /** Every shard is open at one of these nodes, each of them has some, and none is on its way. */
  isSettledOn(nodes: readonly string[]): boolean {
    const view = this.#view
    if (view === undefined) return false
    const owners = new Set(view.shards.map(({ owner }) => owner?.node))
    const actors = view.members.filter(({ roles }) => roles.includes('actors'))
    return (
      view.shards.every(({ next }) => next === undefined) &&
      owners.size === nodes.length &&
      nodes.every((node) => owners.has(node) && actors.some((member) => member.node === node && !member.isDraining))
    )
  }

  /** As an operator marks a node, whose shards go to others until it is unmarked. */
  async setDraining(node: string, isDraining: boolean): Promise<void> {
    for (;;) {
      const view = await this.#register.read()
      if (view === undefined) throw new Error('there is no register')
      const members = view.members.map((member) => (member.node === node ? { ...member, isDraining } : member))
      if (await this.#register.change({ ...view, view: view.view + 1, members })) return
    }
  }

  async close(): Promise<void> {
    this.#isStopped = true
    await this.#looking
    await this.#close()
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
      // While the store does not answer, nobody else can change the register either.
      await this.#look().catch(() => undefined)
    }
  }

  async #look(): Promise<void> {
    const askedMs = performance.now()
    const view = await this.#register.glance()
    if (view === undefined) return
    if (this.#view === undefined || view.view > this.#view.view) this.#take(view)
    this.#lookedMs = askedMs
  }

  #take(view: OwnershipView): void {
    const seenMs = performance.now()
    const isFirst = this.#view === undefined
    this.#view = view
    for (const { from: first, to, owner, mustWait } of view.shards) {
      for (let shard = first; shard <= to; shard++) {
        const from = this.#owners[shard]
        if (from?.node === owner?.node && from?.incarnation === owner?.incarnation) continue
        this.#owners[shard] = owner
        const times = { afterMs: this.#lookedMs, seenMs }
        if (!isFirst) this.moves.push({ shard, from, to: owner, ...times, isTakeover: mustWait })
      }
    }
  }
}
