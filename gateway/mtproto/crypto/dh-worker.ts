/**
 * The program of a worker thread, as source text: a worker started from text needs no file of its own, so it runs
 * the same under the test runner, from a bundle and from compiled files.
 *
 * Its jobs, by `kind`:
 * - `open`: {id, encrypted, exponent} -> {id, raw, value}: RSA without padding, and g^exponent
 * - `agree`: {id, value, exponent} -> {id, value}: value^exponent
 *
 * An answer without `value` means that the input was not acceptable.
 */
export const dhWorkerSource = `
'use strict'
const { parentPort, workerData } = require('node:worker_threads')
const { constants, createDiffieHellman, createPrivateKey, privateDecrypt } = require('node:crypto')

const key = createPrivateKey(workerData.privatePem)
// Checks the prime, which takes a quarter of a second: once.
const dh = createDiffieHellman(Buffer.from(workerData.prime), Buffer.from([workerData.generator]))

function padded(value) {
  return value.length === 256 ? value : Buffer.concat([Buffer.alloc(256 - value.length), value])
}

const jobs = {
  open({ encrypted, exponent }) {
    const raw = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, padded(Buffer.from(encrypted)))
    // generateKeys() keeps a private key that is set, and would share it between handshakes if it were not set anew.
    dh.setPrivateKey(Buffer.from(exponent))
    return { raw: padded(raw), value: padded(dh.generateKeys()) }
  },
  agree({ value, exponent }) {
    dh.setPrivateKey(Buffer.from(exponent))
    return { value: padded(dh.computeSecret(Buffer.from(value))) }
  },
}

parentPort.on('message', (job) => {
  let answer = {}
  try {
    answer = jobs[job.kind](job)
  } catch {}
  parentPort.postMessage({ id: job.id, ...answer })
})
`
