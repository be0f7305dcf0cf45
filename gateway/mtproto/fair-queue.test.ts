import { expect, test } from 'vitest'
import { FairQueue } from './fair-queue.js'

function drained(queue: FairQueue<string>): string[] {
  const taken: string[] = []
  for (let work = queue.take(); work !== undefined; work = queue.take()) taken.push(work)
  return taken
}

test('a group with much work does not keep another waiting (1)', () => {
  const queue = new FairQueue<string>(100)
  for (let i = 0; i < 50; i++) queue.add('greedy', `greedy ${i}`)
  queue.add('modest', 'modest')
  queue.add('third', 'third')
  expect(drained(queue).slice(0, 4)).toEqual(['greedy 0', 'modest', 'third', 'greedy 1'])
})

test('the order within a group stays, and all that was taken in comes out', () => {
  const queue = new FairQueue<string>(100)
  for (const work of ['a1', 'b1', 'a2', 'b2', 'a3']) queue.add(work[0]!, work)
  expect(drained(queue)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
  expect(queue.size).toBe(0)
})

test('a full queue has room for those who have less than the fullest group (2)', () => {
  const queue = new FairQueue<string>(4)
  for (let i = 0; i < 4; i++) expect(queue.add('greedy', `greedy ${i}`)).toBeUndefined()
  expect(queue.add('greedy', 'too much')).toBe('too much')
  expect(queue.add('modest', 'modest')).toBe('greedy 3')
  expect(queue.add('third', 'third')).toBe('greedy 2')
  // Nobody has two more than the next: nobody is displaced.
  expect(queue.add('fourth', 'fourth')).toBe('greedy 1')
  expect(queue.add('fifth', 'fifth')).toBe('fifth')
  expect(drained(queue)).toEqual(['greedy 0', 'modest', 'third', 'fourth'])
})
