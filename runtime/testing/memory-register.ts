import type { NodeId } from '../ownership.js'
import type { NodeIncarnation, NodeLease, OwnershipRegister, OwnershipView } from '../ownership-register.js'

/** A register for one process: what it holds outlives the nodes of a test, not the test. */
export class MemoryRegister implements OwnershipRegister {
  readonly #leases = new Map<NodeId, NodeLease>()
  #view: OwnershipView | undefined
  /** Awaited before each request: a test may hold requests back, or fail them. */
  before: () => Promise<void> = async () => undefined

  async read(): Promise<OwnershipView | undefined> {
    await this.before()
    return this.#view
  }

  glance(): Promise<OwnershipView | undefined> {
    return this.read()
  }

  async change(next: OwnershipView): Promise<boolean> {
    await this.before()
    if ((this.#view?.view ?? 0) !== next.view - 1) return false
    this.#view = next
    return true
  }

  async readLease(node: NodeId): Promise<NodeLease | undefined> {
    await this.before()
    return this.#leases.get(node)
  }

  async takeLease(lease: NodeLease, former: NodeLease | undefined): Promise<boolean> {
    await this.before()
    if (this.#leases.get(lease.node)?.incarnation !== former?.incarnation) return false
    this.#leases.set(lease.node, { ...lease, renewals: 0, isRevoked: false })
    return true
  }

  async renewLease({ node, incarnation, renewals }: NodeLease): Promise<boolean> {
    await this.before()
    const lease = this.#leases.get(node)
    if (lease?.incarnation !== incarnation || lease.isRevoked) return false
    this.#leases.set(node, { ...lease, renewals })
    return true
  }

  async revokeLease({ node, incarnation }: NodeIncarnation): Promise<boolean> {
    await this.before()
    const lease = this.#leases.get(node)
    if (lease?.incarnation === incarnation) this.#leases.set(node, { ...lease, isRevoked: true })
    return true
  }
}
