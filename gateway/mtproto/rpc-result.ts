import { gzip, gzipSync } from 'node:zlib'
import { GZIP_PACKED, rpcResult } from './container.js'
import type { Long } from './long.js'
import type { RpcError } from './rpc.js'
import { serviceBody } from './service-body.js'

const GZIP_LEVEL = 3
/** From this size on compressing is left to the thread pool. */
const GZIP_ASIDE_FROM_BYTES = 64 * 1024
/** Files are compressed already. */
const NEVER_COMPRESSED = new Set(['upload.getFile', 'upload.getWebFile', 'upload.getCdnFile'])

export function errorBody(msgId: Long, { code, message }: RpcError): Buffer {
  return rpcResult(msgId, serviceBody({ _: 'mt_rpc_error', errorCode: code, errorMessage: message }))
}

/** Gives `send` the rpc_result around a result, packed if that pays; at once, or later when there is much to pack. */
export function resultBody(
  msgId: Long,
  method: string,
  result: Buffer,
  gzipFromBytes: number,
  send: (body: Buffer) => void,
): void {
  if (result.length < gzipFromBytes || NEVER_COMPRESSED.has(method)) {
    send(rpcResult(msgId, result))
  } else if (result.length < GZIP_ASIDE_FROM_BYTES) {
    send(rpcResult(msgId, packed(result, gzipSync(result, { level: GZIP_LEVEL }))))
  } else {
    gzip(result, { level: GZIP_LEVEL }, (error, zipped) => {
      send(rpcResult(msgId, error ? result : packed(result, zipped)))
    })
  }
}

/** `gzip_packed` around `zipped`, or `plain` as it is when that is hardly longer. */
function packed(plain: Buffer, zipped: Buffer): Buffer {
  if (zipped.length > plain.length * 0.9 || zipped.length >= 1 << 24) return plain
  const short = zipped.length < 254
  const head = Buffer.alloc(short ? 5 : 8)
  head.writeUInt32LE(GZIP_PACKED)
  if (short) head[4] = zipped.length
  else head.writeUInt32LE(254 + zipped.length * 256, 4)
  const padding = -(head.length + zipped.length) & 3
  return Buffer.concat([head, zipped, Buffer.alloc(padding)])
}
