import { expect, test } from 'vitest'
import { encode, type NodeId } from '../../runtime/index.js'
import type { NodeTransport } from '../transport/node-transport.js'
import { directProbes } from './direct-probes.js'

type Answer = Parameters<NodeTransport['answer']>[1]

/** Two ends of one way. */
function probed(answers: { incarnation: string; isHalted: boolean }) {
  const kinds = new Map<string, Answer>()
  const transport = {
    ask: (_node: NodeId, kind: string, payload: Uint8Array) => kinds.get(kind)!(payload, 'asking', 100),
    answer: (kind: string, answer: Answer) => void kinds.set(kind, answer),
  }
  const self = {
    node: 'a',
    get incarnation() {
      return answers.incarnation
    },
  }
  const probes = directProbes(transport, self, () => answers.isHalted)
  probes.serve(async () => undefined)
  return { probes, kinds }
}

test('a probe tells whether this incarnation answers, and whether it has a lease', async () => {
  const answers = { incarnation: 'a-1', isHalted: false }
  const { probes } = probed(answers)
  const probe = () => probes.probe({ node: 'a', incarnation: 'a-1' }, 100)
  expect(await probe()).toBe('alive')
  answers.isHalted = true
  expect(await probe()).toBe('halted')
  answers.incarnation = 'a-2'
  expect(await probe()).toBe('gone')
  answers.isHalted = false
  expect(await probe()).toBe('gone')
})

test('to a version that compares the answer with the incarnation, one without a lease is not reached', async () => {
  const answers = { incarnation: 'a-1', isHalted: false }
  const { kinds } = probed(answers)
  const said = async () => await kinds.get('probe')!(encode(null), 'asking', 100)
  expect(await said()).toEqual(encode('a-1'))
  answers.isHalted = true
  expect(await said()).not.toEqual(encode('a-1'))
})
