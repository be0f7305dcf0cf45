export type { ApiConfig, ApiMetrics } from './api/index.js'
export { methodTable } from './api/index.js'
export { createGateway, type Gateway, type GatewayLimits, type GatewayOptions, type GatewaySizes } from './gateway.js'
export {
  loadServerKey,
  type MtprotoCounter,
  type MtprotoMetrics,
  type ServerKey,
} from './mtproto/index.js'
export { methodNames } from './tl/index.js'
