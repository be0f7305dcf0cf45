import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A network namespace of its own for one node, with a wire to this machine: what goes over it can be cut, all of it or
 * what goes to one place. Needs root.
 *
 * Servers listen on loopback, which nobody reaches from in there: each has an address on the wire that passes on to it.
 */
export class Namespace {
  /** How a command is run in it. */
  readonly through: readonly string[]
  /** The node's own address on the wire. */
  readonly address: string
  /** The other nodes' address on the wire. */
  readonly outside: string
  readonly #name: string
  readonly #wire: string
  readonly #network: string
  readonly #listeners = new Set<Server>()
  readonly #sockets = new Set<Socket>()
  #places = 2

  constructor() {
    const id = process.pid % 60_000
    this.#name = `chaos-${id}`
    this.#wire = `chaos${id}`
    this.#network = `10.${213 + (id % 40)}.${Math.floor(id / 40) % 250}`
    this.address = `${this.#network}.200`
    this.outside = `${this.#network}.1`
    this.through = ['ip', 'netns', 'exec', this.#name]
    process.on('exit', this.#remove)
    ip('netns', 'add', this.#name)
    ip('link', 'add', this.#wire, 'type', 'veth', 'peer', 'name', 'wire', 'netns', this.#name)
    ip('address', 'add', `${this.outside}/24`, 'dev', this.#wire)
    ip('link', 'set', this.#wire, 'up')
    this.#inside('address', 'add', `${this.address}/24`, 'dev', 'wire')
    this.#inside('link', 'set', 'wire', 'up')
    this.#inside('link', 'set', 'lo', 'up')
  }

  /** Gives the address at which a server is reached that listens on loopback, here. */
  async reach(host: string, port: number): Promise<string> {
    const address = `${this.#network}.${this.#places++}`
    ip('address', 'add', `${address}/24`, 'dev', this.#wire)
    const listener = createServer((inner) => {
      const outer = connect(port, host)
      inner.pipe(outer).pipe(inner)
      for (const [one, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.#sockets.add(one)
        one.setNoDelay(true)
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
    this.#listeners.add(listener)
    listener.listen(port, address)
    await once(listener, 'listening')
    return address
  }

  /** Nothing comes or goes any more. */
  cut(): void {
    ip('link', 'set', this.#wire, 'down')
  }

  /** What goes from in there to an address gets lost; what comes from there arrives. */
  lose(address: string): void {
    this.#inside('route', 'add', 'blackhole', `${address}/32`)
  }

  mend(): void {
    ip('link', 'set', this.#wire, 'up')
    for (const line of this.#inside('route', 'show', 'type', 'blackhole').split('\n')) {
      const [, address] = line.trim().split(/\s+/)
      if (address) this.#inside('route', 'del', 'blackhole', address)
    }
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#remove()
    process.off('exit', this.#remove)
  }

  readonly #remove = (): void => {
    for (const args of [
      ['link', 'del', this.#wire],
      ['netns', 'del', this.#name],
    ]) {
      try {
        ip(...args)
      } catch {
        // It is gone already.
      }
    }
  }

  #inside(...args: readonly string[]): string {
    return ip('-n', this.#name, ...args)
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
