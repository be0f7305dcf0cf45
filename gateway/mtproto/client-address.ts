/** One spelling an address: IPv4 in its own form also when it came through a socket for both families. */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.startsWith('::ffff:') ? address.slice(7) : address
}

/**
 * What limits count as one address: an IPv4 address, or the half of an IPv6 address that names a network, since
 * whoever has one address of it has all of them.
 */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('%')[0]!.split('::', 2)
  const front = head === '' ? [] : head.split(':')
  const back = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0')
  const parts = [...front, ...zeros, ...back].map((part) => Number.parseInt(part, 16).toString(16))
  return `${parts.slice(0, 4).join(':')}::/64`
}

/** Whether an address, or what `addressGroup` made of it, is this machine itself. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || addressGroup(address) === '0:0:0:0::/64'
}

/** The address that uWebSockets.js gives as text, IPv6 without any abbreviation. */
export function addressOfText(text: ArrayBuffer): string {
  const address = Buffer.from(text).toString('latin1')
  const mapped = /^0000:0000:0000:0000:0000:ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(address)
  if (!mapped) return address
  return mapped
    .slice(1)
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}
