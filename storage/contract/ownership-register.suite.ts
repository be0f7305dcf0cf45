import { beforeEach, describe, expect, test } from 'vitest'
import type { NodeIncarnation, NodeLease, NodeMember, OwnershipRegister, OwnershipView } from '../../runtime/index.js'

/** What every driver of OwnershipRegister promises (W1-W4 in runtime/ownership-register.ts). */
export function ownershipRegisterSuite(driver: string, newRegister: () => Promise<OwnershipRegister>): void {
  describe(`OwnershipRegister on ${driver}`, () => {
    let register: OwnershipRegister
    const a: NodeIncarnation = { node: 'a', incarnation: '1' }
    const b: NodeIncarnation = { node: 'b', incarnation: '2' }

    beforeEach(async () => {
      register = await newRegister()
    })

    const lease = (of: NodeIncarnation): NodeLease => ({ ...of, lengthMs: 2_000, renewals: 0, isRevoked: false })
    const memberOf = (of: NodeIncarnation, address: string): NodeMember => ({
      ...of,
      address,
      roles: ['gateway', 'actors'],
      weight: 2,
      isDraining: false,
    })
    const viewOf = (view: number, owner: NodeIncarnation | undefined): OwnershipView => ({
      view,
      shardCount: 4096,
      members: owner ? [memberOf(owner, 'somewhere:1')] : [],
      shards: [{ from: 0, to: 4095, epoch: view, owner, next: undefined, mustWait: false }],
    })

    test('W1: nothing is stored at first; what was put is read back', async () => {
      expect(await register.read()).toBeUndefined()
      expect(await register.change(viewOf(1, a))).toBe(true)
      expect(await register.read()).toEqual(viewOf(1, a))
      expect(await register.change(viewOf(2, undefined))).toBe(true)
      expect(await register.read()).toEqual(viewOf(2, undefined))
    })

    test('W4: a glance gives what was decided, whole, or nothing yet', async () => {
      expect(await register.glance()).toBeUndefined()
      for (let view = 1; view <= 5; view++) {
        const changing = register.change(viewOf(view, view % 2 === 0 ? a : undefined))
        for (const glance of [register.glance(), changing.then(() => register.glance())]) {
          const seen = await glance
          expect(seen?.view ?? 0).toBeLessThanOrEqual(view)
          if (seen) expect(seen).toEqual(viewOf(seen.view, seen.view % 2 === 0 ? a : undefined))
        }
      }
    })

    test('W2: a change is applied on the view before it only', async () => {
      expect(await register.change(viewOf(2, a))).toBe(false)
      expect(await register.change(viewOf(1, a))).toBe(true)
      expect(await register.change(viewOf(1, b))).toBe(false)
      expect(await register.change(viewOf(3, b))).toBe(false)
      expect(await register.read()).toEqual(viewOf(1, a))
    })

    test('W2: of changes at once exactly one is applied, and that one is read', async () => {
      for (let view = 1; view <= 5; view++) {
        const owners = Array.from({ length: 8 }, (_, i) => ({ node: `n${i}`, incarnation: `${view}` }))
        const applied = await Promise.all(owners.map((owner) => register.change(viewOf(view, owner))))
        expect(applied.filter(Boolean)).toHaveLength(1)
        expect(await register.read()).toEqual(viewOf(view, owners[applied.indexOf(true)]))
      }
    })

    test('4,096 shards of two owners, each with an epoch of its own, some to be given away, some to be waited for', async () => {
      const shards = Array.from({ length: 4096 }, (_, i) => ({
        from: i,
        to: i,
        epoch: 1 + ((i * 7_919) % 100_000),
        owner: i % 3 === 0 ? a : i % 3 === 1 ? b : undefined,
        next: i % 3 === 0 && i % 5 === 0 ? b : undefined,
        mustWait: i % 3 === 1 && i % 7 === 0,
      }))
      const members = [{ ...memberOf(a, ''), isDraining: true }, memberOf(b, 'elsewhere:2')]
      expect(await register.change({ view: 1, shardCount: 4096, members, shards })).toBe(true)
      expect((await register.read())?.shards).toEqual(shards)
    })

    test('W3: a lease is taken, renewed, and never again once it is revoked', async () => {
      expect(await register.readLease('a')).toBeUndefined()
      expect(await register.takeLease(lease(a), undefined)).toBe(true)
      expect(await register.renewLease({ ...lease(a), renewals: 1 })).toBe(true)
      expect(await register.readLease('a')).toEqual({ ...lease(a), renewals: 1 })
      expect(await register.revokeLease(a)).toBe(true)
      expect(await register.renewLease({ ...lease(a), renewals: 2 })).toBe(false)
      expect(await register.readLease('a')).toEqual({ ...lease(a), renewals: 1, isRevoked: true })
      expect(await register.revokeLease(a)).toBe(true)
    })

    test('W3: a lease that another incarnation has taken is never renewed again', async () => {
      const next = { node: 'a', incarnation: '3' }
      await register.takeLease(lease(a), undefined)
      expect(await register.takeLease(lease(next), undefined)).toBe(false)
      expect(await register.takeLease(lease(next), lease(a))).toBe(true)
      expect(await register.takeLease(lease({ node: 'a', incarnation: '4' }), lease(a))).toBe(false)
      expect(await register.renewLease({ ...lease(a), renewals: 1 })).toBe(false)
      expect(await register.revokeLease(a)).toBe(true)
      expect(await register.renewLease({ ...lease(next), renewals: 1 })).toBe(true)
    })
  })
}
