/**
 * The harness of tests that run real server processes and real, unmodified clients. It speaks verbs: start, stop,
 * kill, freeze, restart, wait until. Tests never sleep.
 */
export { type Balancer, balancer } from './balancer.js'
export { type Cable, cable } from './cable.js'
export { type TestCertificate, testCertificate } from './certificate.js'
export { type GramjsOptions, gramjsClient, gramjsGuest } from './gramjs-client.js'
export { type ClientTarget, type ClientTransport, testCode, testPhone } from './login.js'
export { hearsUpdates, type MtcuteOptions, mtcuteClient, mtcuteGuest } from './mtcute-client.js'
export { RawClient, RawRefusal, randomId, type TlObject } from './raw-client.js'
export { parseSamples, type Samples } from './samples.js'
export { type Address, type ServerOptions, type ServerProcess, startServer } from './server-process.js'
export { type SmallDisk, smallDisk } from './small-disk.js'
export { waitUntil } from './wait-until.js'
