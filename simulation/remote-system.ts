import { ActorError, type ActorSystem, type ActorType, type CallOptions, type Ref } from '../runtime/index.js'
import type { Dice } from './dice.js'
import type { VirtualTime } from './virtual-time.js'

type Method = (...args: unknown[]) => Promise<unknown>

/** A node as another one sees it: calls take time both ways, and a node that dies leaves their outcome unknown. */
export class RemoteSystem implements Pick<ActorSystem, 'ref' | 'node'> {
  readonly node = 'gateway'
  readonly #time: VirtualTime
  readonly #dice: Dice
  readonly #slowestHopMs: number
  #system: ActorSystem | undefined
  #deaths: (() => void)[] = []

  constructor(time: VirtualTime, dice: Dice, slowestHopMs: number) {
    this.#time = time
    this.#dice = dice
    this.#slowestHopMs = slowestHopMs
  }

  reaches(system: ActorSystem): void {
    this.#system = system
  }

  dies(): void {
    this.#system = undefined
    for (const died of this.#deaths.splice(0)) died()
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>, options?: CallOptions): Ref<Contract> {
    const reference: Record<string, Method> = {}
    for (const name of Object.keys(type.methods)) {
      reference[name] = (...args) =>
        this.#call((system) => (system.ref(type, id, options) as unknown as Record<string, Method>)[name]!(...args))
    }
    return reference as unknown as Ref<Contract>
  }

  async #call(call: (system: ActorSystem) => Promise<unknown>): Promise<unknown> {
    await this.#hop()
    const system = this.#system
    if (system === undefined) throw new ActorError('NOT_OWNER', 'the node is down')
    return new Promise((resolve, reject) => {
      const died = () => reject(new ActorError('OUTCOME_UNKNOWN', 'the node died'))
      this.#deaths.push(died)
      const answered = async (settle: () => void) => {
        await this.#hop()
        this.#deaths = this.#deaths.filter((each) => each !== died)
        settle()
      }
      call(system).then(
        (value) => answered(() => resolve(value)),
        (error) => answered(() => reject(error)),
      )
    })
  }

  #hop(): Promise<void> {
    return this.#time.pause(this.#dice.within(0.01, this.#slowestHopMs))
  }
}
