import { createHash } from 'node:crypto'
import { type ConnectionGuide, gramjsProgram, loginAdvice, mtcuteProgram } from './connection-guide.js'
import { statusScript } from './status-script.js'
import { statusStyle } from './status-style.js'

/** What the page polls. Sums only grow; the page makes rates of them. */
export interface StatusFigures {
  readonly uptimeMs: number
  readonly connections: number
  readonly sessions: number
  readonly actors: number
  readonly calls: number
  readonly commits: number
  readonly pushes: number
}

/** Nothing is loaded from anywhere, nothing runs or styles the page but what it brings, nobody may frame it. */
export const statusPagePolicy = [
  "default-src 'none'",
  `script-src ${contentHash(statusScript)}`,
  `style-src ${contentHash(statusStyle)}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The page at `/`: how to connect, and what goes on. */
export function statusPage(guide: ConnectionGuide): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heliograph</title>
<style>${statusStyle}</style>
<main>
<header>
${logo}
<div>
<h1>Heliograph</h1>
<div class="soft">A messaging server that speaks MTProto, version ${escaped(guide.version)}</div>
</div>
<div class="state" role="status">running</div>
</header>
<section class="figures" aria-label="Live figures">
${figures.map(([name, title]) => figure(name, title)).join('\n')}
</section>
<section>
<h2>Connect</h2>
<dl>
<dt>MTProto over TCP</dt>
<dd><code>${escaped(guide.mtproto.host)}</code> port <code>${guide.mtproto.port}</code>, DC 2</dd>
<dt>WebSocket</dt><dd><code>${escaped(guide.webSocketUrl)}</code></dd>
<dt>Log in</dt><dd>${escaped(loginAdvice(guide))}</dd>
<dt>Key fingerprint</dt><dd><code>${escaped(guide.key.fingerprintHex)}</code></dd>
</dl>
</section>
<section>
<h2>The server's public key</h2>
${block('key', guide.key.publicPem.trim())}
</section>
<section>
<h2>With mtcute</h2>
${block('mtcute', mtcuteProgram(guide).trim())}
<h2>With GramJS</h2>
${block('gramjs', gramjsProgram(guide).trim())}
</section>
<footer>For machines: <a href="healthz">healthz</a>, <a href="readyz">readyz</a>, <a href="metrics">metrics</a></footer>
</main>
<script>${statusScript}</script>
</html>
`
}

const figures = [
  ['connections', 'connections'],
  ['sessions', 'sessions'],
  ['actors', 'actors in memory'],
  ['calls', 'API calls a second'],
  ['commits', 'commits a second'],
  ['pushes', 'updates pushed a second'],
] as const

/** A sun over its mirror: signals by light. */
const logo = `<svg viewBox="0 0 48 48" aria-hidden="true"
fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round">
<circle cx="24" cy="20" r="8" fill="currentColor" stroke="none"/>
<path d="M24 3v4M24 33v4M7 20h4M37 20h4M12 8l3 3M36 8l-3 3M12 32l3-3M36 32l-3-3M10 45l28-4"/></svg>`

function figure(name: string, title: string): string {
  return `<div class="figure" data-figure="${name}"><b>0</b><span>${title}</span>
<svg viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
<polyline fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke"/>
</svg></div>`
}

function block(id: string, content: string): string {
  return `<div class="block"><button class="copy" hidden>copy</button><pre id="${id}">${escaped(content)}</pre></div>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character)
}

function contentHash(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}
