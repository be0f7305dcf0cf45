/** The failure detector's questions on the nodes' own streams, control lane. */
import { decode, encode, type NodeId, type NodeIncarnation } from '../../runtime/index.js'
import type { NodeTransport } from '../transport/node-transport.js'
import { isName } from './heartbeat.js'

/** `halted`: this incarnation answers, and has no lease. `gone`: another one answers. */
export type Probed = 'alive' | 'halted' | 'gone'

export interface DirectProbes {
  /** Rejects when nobody answers in time. */
  probe(member: NodeIncarnation, leftMs: number): Promise<Probed>
  /** What the witness says; undefined: it cannot say. Rejects when it does not answer in time. */
  askWitness(witness: NodeId, member: NodeIncarnation, leftMs: number): Promise<boolean | undefined>
  /** Answers other nodes from now on. */
  serve(witness: (member: NodeIncarnation) => Promise<boolean | undefined>): void
}

export function directProbes(
  transport: Pick<NodeTransport, 'ask' | 'answer'>,
  self: NodeIncarnation,
  isHalted: () => boolean,
): DirectProbes {
  const nothing = encode(null)
  return {
    probe: async ({ node, incarnation }, leftMs) => {
      const said = decode(await transport.ask(node, 'probe', nothing, leftMs))
      if (said === incarnation) return 'alive'
      return Array.isArray(said) && said[0] === incarnation ? 'halted' : 'gone'
    },
    askWitness: async (witness, { node, incarnation }, leftMs) => {
      const said = decode(await transport.ask(witness, 'witness', encode([node, incarnation]), leftMs))
      return typeof said === 'boolean' ? said : undefined
    },
    serve: (witness) => {
      // Asked for each time: a node that joins again has a new one. In a list it is nobody to a node of a version before.
      transport.answer('probe', async () => encode(isHalted() ? [self.incarnation] : self.incarnation))
      transport.answer('witness', async (payload) => {
        const question = decode(payload)
        const [node, of] = Array.isArray(question) ? question : []
        const isKnown = isName(node) && isName(of)
        return encode(isKnown ? ((await witness({ node, incarnation: of })) ?? null) : null)
      })
    },
  }
}
