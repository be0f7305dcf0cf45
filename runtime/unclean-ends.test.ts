import { expect, test } from 'vitest'
import { UncleanEnds } from './unclean-ends.js'

test('an unclean end is known until it is dealt with (N1)', () => {
  const ends = new UncleanEnds(() => undefined)
  ends.add('chat/1')
  expect([ends.has('chat/1'), ends.has('chat/2')]).toEqual([true, false])
  ends.delete('chat/1')
  expect(ends.has('chat/1')).toBe(false)
})

test('when too many are known every actor counts as one of them, once and for all (N2)', () => {
  let overflows = 0
  const ends = new UncleanEnds(() => overflows++)
  for (let id = 0; id < 100_000; id++) ends.add(`chat/${id}`)
  expect(overflows).toBe(1)
  ends.delete('chat/5')
  expect([ends.has('chat/5'), ends.has('user/5')]).toEqual([true, true])
})
