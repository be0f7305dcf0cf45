export { createGateway } from './gateway.js'
export { loadServerKey } from './mtproto/index.js'
