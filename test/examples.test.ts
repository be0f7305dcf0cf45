/** The programs that newcomers are shown run as they stand, against a real server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ServerProcess, startServer, waitUntil } from './harness/index.js'

const root = fileURLToPath(new URL('..', import.meta.url))
let server: ServerProcess
let program: Program | undefined

beforeAll(async () => {
  server = await startServer()
})
afterEach(() => program?.kill())
afterAll(() => server?.dispose())

interface Program {
  output(): string
  readonly exit: Promise<number | null>
  kill(): void
}

/** Runs Node in the project's folder, where the client libraries are found; `source` is a module to read from stdin. */
function runNode(args: readonly string[], source?: string): Program {
  const child: ChildProcess = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stdin?.end(source)
  return {
    output: () => Buffer.concat(chunks).toString(),
    exit: once(child, 'close').then(([code]) => code as number | null),
    kill: () => void child.kill('SIGKILL'),
  }
}

test.each([
  ['examples/mtcute.mjs', 'Bob got: Hello from mtcute'],
  ['examples/gramjs.mjs', 'Saved: Hello from GramJS'],
])('%s', async (path, told) => {
  program = runNode([path, server.dataDir])
  const code = await program.exit
  expect(program.output()).toContain(told)
  expect(code).toBe(0)
})

test.each(['mtcute', 'gramjs'])('the program for %s on the status page', async (name) => {
  const page = await (await fetch(`http://${server.http.host}:${server.http.port}/`)).text()
  const source = new RegExp(`<pre id="${name}">([\\s\\S]*?)</pre>`).exec(page)?.[1] ?? ''
  const running = runNode(['--input-type=module', '-'], unescaped(source))
  program = running
  await waitUntil(`it logs in; it says:\n${running.output()}`, () => /Logged in as \S/.test(running.output()), 20_000)
})

function unescaped(html: string): string {
  const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_, name: string) => characters[name] ?? '')
}
