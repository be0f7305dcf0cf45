export { createGateway } from './gateway.js'
export { loadServerKey, TrustedProxies } from './mtproto/index.js'
