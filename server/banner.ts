import { type ConnectionGuide, loginAdvice } from './connection-guide.js'

/** What a person reads when the server has started. */
export function banner(guide: ConnectionGuide, publicKeyPath: string): string {
  const rows = [
    ['MTProto', `${guide.mtproto.host}:${guide.mtproto.port}`],
    ['WebSocket', guide.webSocketUrl],
    ['HTTP', `${guide.pageUrl}  (status page, /healthz, /readyz, /metrics)`],
    ['Key', `${guide.key.fingerprintHex}  (${publicKeyPath})`],
    ['Log in', loginAdvice(guide)],
    ['Stop', 'Ctrl-C'],
  ]
  const lines = rows.map(([name = '', text]) => `  ${name.padEnd(10)} ${text}`)
  return `\n  Heliograph ${guide.version} listens\n\n${lines.join('\n')}\n\n`
}
