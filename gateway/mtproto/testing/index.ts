/** What tests, simulations and benches of other folders may know of the protocol's inside. */

export { longToHex, TlReader, writeObject, writeResult } from '../../tl/index.js'
export { MSG_CONTAINER, readContainer, rpcResult } from '../container.js'
export { createMtprotoGateway } from '../create-gateway.js'
export { sha1, sha256 } from '../crypto/hash.js'
export { igeDecrypt, igeEncrypt } from '../crypto/ige.js'
export { deriveAes, FROM_CLIENT, FROM_SERVER } from '../crypto/kdf.js'
export { openPacket, PacketSealer, packetBytesFor } from '../crypto/packet.js'
export { type Long, longFromInts, readLong, writeLong } from '../long.js'
export { generateServerKey } from '../server-key.js'
export type { Session } from '../session-view.js'
export { MemoryKeyStore } from '../test/memory-key-store.js'
