import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ige256Decrypt, ige256Encrypt, initSync, SIMD_AVAILABLE, sha256 } from '@mtcute/wasm'

const resolve = createRequire(import.meta.url).resolve
initSync(readFileSync(resolve(SIMD_AVAILABLE ? '@mtcute/wasm/mtcute-simd.wasm' : '@mtcute/wasm/mtcute.wasm')))

export { ige256Decrypt as wasmIgeDecrypt, ige256Encrypt as wasmIgeEncrypt, sha256 as wasmSha256 }
