import { BlockList, isIP, isIPv4 } from 'node:net'
import { addressOfText } from './client-address.js'

/** The proxies whose word about a client's address is taken: those that connect from these addresses and networks. */
export class TrustedProxies {
  readonly #known = new BlockList()

  /** @throws RangeError for what is neither an IP address nor a network (`10.0.0.0/8`). */
  constructor(networks: readonly string[]) {
    for (const network of networks) this.#add(network)
  }

  has(address: string): boolean {
    return isIPv4(address) ? this.#known.check(address) : this.#known.check(address.split('%')[0]!, 'ipv6')
  }

  /**
   * Whom an HTTP request comes from; undefined if it came through a proxy that does not say. `own` is whom it came
   * from, `told` what a header said, empty without one: both as uWebSockets.js gives them.
   */
  clientOf(own: ArrayBuffer, told: ArrayBuffer): string | undefined {
    const address = addressOfText(own)
    if (!this.has(address)) return address
    return told.byteLength === 0 ? undefined : addressOfText(told)
  }

  #add(network: string): void {
    const [address = '', bits, ...more] = network.split('/')
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (family === 0 || more.length > 0 || !(prefix <= most)) {
      throw new RangeError(`${network} is neither an IP address nor a network, like 10.0.0.0/8`)
    }
    this.#known.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
}
