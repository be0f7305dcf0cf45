import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type DescriptorWrites, LogOutput } from './log-output.js'

type Outcome = number | 'EAGAIN' | 'ENOSPC'

/** Takes as many bytes as it is told with each write, or fails; answers when asked to. */
function descriptor(outcomes: Iterator<Outcome>) {
  const pending: (() => void)[] = []
  let text = ''
  const take = (bytes: Buffer): number => {
    const outcome = outcomes.next().value ?? Number.POSITIVE_INFINITY
    if (typeof outcome !== 'number') throw Object.assign(new Error(outcome), { code: outcome })
    const taken = Math.min(outcome, bytes.length)
    text += bytes.toString('latin1', 0, taken)
    return taken
  }
  const fs: DescriptorWrites = {
    write: (_fd, bytes, done) =>
      pending.push(() => {
        let taken = 0
        try {
          taken = take(bytes)
        } catch (error) {
          return done(error as Error, 0)
        }
        done(null, taken)
      }),
    writeSync: (_fd, bytes) => take(bytes),
  }
  return { fs, answer: () => pending.shift()?.(), isPending: () => pending.length > 0, text: () => text }
}

test('O2: lines leave in order, each once, however few bytes are taken at a time, and how slowly', () => {
  vi.useFakeTimers()
  try {
    const outcome = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('EAGAIN' as const))
    fc.assert(
      fc.property(fc.array(outcome), fc.array(fc.boolean(), { maxLength: 40 }), (outcomes, steps) => {
        const { fs, answer, isPending, text } = descriptor(outcomes[Symbol.iterator]())
        const output = new LogOutput(1, fs)
        let written = ''
        for (const [at, isLine] of steps.entries()) {
          if (isLine) {
            written += `line ${at}\n`
            output.write(`line ${at}\n`)
          } else answer()
        }
        while (isPending() || vi.getTimerCount() > 0) {
          answer()
          vi.runAllTimers()
        }
        expect(text()).toBe(written)
      }),
    )
  } finally {
    vi.useRealTimers()
  }
})

test('O2: what cannot be written is dropped, and the next lines are tried again', () => {
  const { fs, answer, text } = descriptor((['ENOSPC'] as const)[Symbol.iterator]())
  const output = new LogOutput(1, fs)
  output.write('lost\n')
  output.write('kept\n')
  answer()
  answer()
  output.write('kept too\n')
  answer()
  expect(text()).toBe('kept\nkept too\n')
})

test('O1: what gathers while nothing is taken is bounded', () => {
  const { fs, answer, text } = descriptor([][Symbol.iterator]())
  const output = new LogOutput(1, fs)
  const line = `${'x'.repeat(2 ** 20 - 1)}\n`
  for (let i = 0; i < 100; i++) output.write(line)
  answer()
  answer()
  output.write('goes on\n')
  answer()
  expect(text().length).toBeLessThan(10 * 2 ** 20)
  expect(text()).toMatch(/goes on\n$/)
})

test('O3: a flush writes what gathers, in pieces; to a full disk, or to nobody, it ends', () => {
  const outcomes: Outcome[] = [2, 'EAGAIN', 3]
  const taken = descriptor(outcomes[Symbol.iterator]())
  const output = new LogOutput(1, taken.fs)
  output.write('on its way\n')
  output.write('gathers\n')
  output.flushSync()
  expect(taken.text()).toBe('gathers\n')

  function* never(): Generator<Outcome> {
    for (;;) yield 'EAGAIN'
  }
  const stuck = new LogOutput(1, descriptor(never()).fs)
  stuck.write('on its way\n')
  stuck.write('gathers\n')
  stuck.flushSync()

  const full = new LogOutput(1, descriptor((['ENOSPC'] as const)[Symbol.iterator]()).fs)
  full.write('on its way\n')
  full.write('gathers\n')
  full.flushSync()
})
