export { createGateway, type Gateway } from './gateway.js'
export { type HttpListener, listenHttp, loadServerKey, type ServerKey, TrustedProxies } from './mtproto/index.js'
