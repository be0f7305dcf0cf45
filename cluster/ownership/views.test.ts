import { expect, test } from 'vitest'
import type { NodeMember } from '../../runtime/index.js'
import { emptyView, withMember, withoutMember } from './views.js'

const member: NodeMember = {
  node: 'a',
  incarnation: '1',
  address: 'a:1',
  roles: ['actors'],
  weight: 1,
  isDraining: true,
}

test('a member that owns something stays, however it came to it; one that is next somewhere goes', () => {
  const view = withMember(emptyView(8), member)
  const run = { from: 0, to: 7, epoch: 1, owner: undefined, next: undefined, mustWait: false }
  const me = { node: 'a', incarnation: '1' }
  expect(withoutMember({ ...view, shards: [{ ...run, owner: me }] }, me)).toBeUndefined()
  const left = withoutMember({ ...view, shards: [{ ...run, next: me }] }, me)
  expect([left?.members, left?.shards]).toEqual([[], [run]])
  expect(withoutMember(view, { node: 'a', incarnation: 'another' })).toBeUndefined()
})
