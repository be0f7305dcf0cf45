import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ActorError, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog, VirtualClock } from '../../runtime/testing/index.js'
import { waitUntil } from '../../test/harness/index.js'
import { CannotAsk, clusterFile } from '../cli/admin/admin-client.js'
import { WrongUsage } from '../cli/command.js'
import { commands } from '../cli/commands.js'
import { quietActors } from '../migration/quiet-actors.js'
import { SettingsRefused } from '../settings.js'
import { AdminSession, readAdminToken } from './admin-session.js'
import { type AdminServer, serveAdmin, testToken } from './testing/admin-server.js'
import { MadeUpCluster } from './testing/made-up-cluster.js'

let cluster: MadeUpCluster
let server: AdminServer
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-admin-'))
  writeFileSync(join(folder, 'token'), `${testToken}\n`)
  cluster = new MadeUpCluster(['n1', 'n2', 'n3'])
  server = await serveAdmin(cluster, cluster.source('n1'), {
    trace: async (named) => {
      if (named === 'broken') throw new Error('a secret of the inside')
      if (named === 'slow') throw new ActorError('DEADLINE_EXCEEDED', 'the actor did not answer')
      const hop = {
        node: 'n1',
        actor: 'chat/p1-2',
        method: 'post',
        traceId: 't',
        atMs: 1,
        waitMs: 0,
        runMs: 1,
        failed: true,
      }
      return { of: 'request', traceId: named, hops: [hop] }
    },
  })
})
afterEach(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const bearer = { authorization: `Bearer ${testToken}` }
const get = (path: string, headers: Record<string, string> = bearer) =>
  fetch(`${server.url}/admin/api/${path}`, { headers })
const post = (path: string, body: string, headers: Record<string, string> = bearer) =>
  fetch(`${server.url}/admin/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

describe('who may ask', () => {
  test('nobody without the token, on any path that tells or changes something', async () => {
    const wrong = [
      {},
      { authorization: 'Bearer' },
      { authorization: `Bearer ${testToken}x` },
      { cookie: 'heliograph_admin=1.x' },
    ]
    for (const headers of wrong as Record<string, string>[]) {
      for (const path of [
        'cluster',
        'shards',
        'actors?kind=user',
        'actor?kind=user&id=1',
        'trace?of=x',
        'events',
        'tail',
      ]) {
        expect([path, (await get(path, headers)).status]).toEqual([path, 401])
      }
      for (const path of ['drain', 'rebalance']) expect((await post(path, '{}', headers)).status).toBe(401)
    }
    expect(cluster.asked).toEqual([])
    expect((await post('login', '{"token":"a wrong one, long enough"}')).status).toBe(401)
  })

  test('who exchanged the token for the cookie, until that ends; a new token ends all', async () => {
    const clock = new VirtualClock()
    const session = new AdminSession(testToken, clock)
    const cookie = session.begin(true).split(';')[0]!
    expect(session.begin(true)).toMatch(/HttpOnly; SameSite=Strict; Secure$/)
    expect(session.mayAsk('', `other=1; ${cookie}`)).toBe(true)
    expect(new AdminSession('another secret for tests', clock).mayAsk('', cookie)).toBe(false)
    expect(session.mayAsk('', cookie.replace(/=\d/, '=9'))).toBe(false)
    await clock.advance(13 * 60 * 60 * 1_000)
    expect(session.mayAsk('', cookie)).toBe(false)
    expect(session.mayAsk('', session.end(false))).toBe(false)
  })

  test('changes are taken as JSON only, which a form of another site cannot send', async () => {
    const plain = await post('drain', 'node=n2', { ...bearer, 'content-type': 'application/x-www-form-urlencoded' })
    expect(plain.status).toBe(415)
    expect((await post('drain', '[1]')).status).toBe(400)
    expect((await post('drain', '{"node":7}')).status).toBe(400)
    expect((await post('drain', `{"node":"${'n'.repeat(5_000)}"}`)).status).toBe(413)
  })

  test('a page of another site cannot look on with the cookie', async () => {
    const { default: WebSocket } = await import('ws')
    const session = new AdminSession(testToken, systemClock)
    const cookie = session.begin(false).split(';')[0]!
    const opened = (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/admin/api/live`, { headers })
        socket.on('open', () => {
          socket.close()
          resolve(101)
        })
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      })
    expect(await opened({ cookie, origin: 'https://elsewhere.example' })).toBe(401)
    expect(await opened({ cookie, origin: server.url })).toBe(101)
    expect(await opened(bearer)).toBe(101)
  })

  test('a token that cannot be read, or is none, is refused with the cure', () => {
    expect(() => readAdminToken(join(folder, 'nowhere'))).toThrow(SettingsRefused)
    writeFileSync(join(folder, 'short'), 'secret\n')
    expect(() => readAdminToken(join(folder, 'short'))).toThrow(/HELIOGRAPH_ADMIN_TOKEN_FILE.*openssl rand/)
    expect(readAdminToken(join(folder, 'token'))).toBe(testToken)
  })
})

describe('answers', () => {
  test('one that is slow, refused or wrong inside is told as that', async () => {
    expect((await get('trace?of=slow')).status).toBe(503)
    expect(await (await get('trace?of=slow')).json()).toEqual({
      error: 'DEADLINE_EXCEEDED',
      message: 'the actor did not answer',
    })
    expect((await post('drain', '{"node":"n9"}')).status).toBe(409)
    const broken = await get('trace?of=broken')
    expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('secret')])
    expect(server.failures).toHaveLength(1)
    expect((await get('actors')).status).toBe(400)
    expect((await get('nothing')).status).toBe(404)
  })

  test('A1: a node that does not answer is told as such, beside the others', async () => {
    cluster.kill('n2')
    const { nodes } = (await (await get('cluster')).json()) as {
      nodes: { node: string; isAlive: boolean; report?: object }[]
    }
    expect(nodes.map(({ node, isAlive, report }) => [node, isAlive, report !== undefined])).toEqual([
      ['n1', true, true],
      ['n2', false, false],
      ['n3', true, true],
    ])
  })
})

describe('npx heliograph', () => {
  async function run(...[name, ...args]: readonly string[]): Promise<{ code: number; lines: string[] }> {
    const lines: string[] = []
    const place = ['--url', server.url, '--token-file', join(folder, 'token')]
    const code = await commands.get(name!)!.run([...args, ...place], {
      environment: {},
      clock: systemClock,
      random: systemRandom,
      log: noLog,
      say: (line) => lines.push(line),
    })
    return { code, lines }
  }

  test('status and nodes: a table for people, JSON for programs', async () => {
    const { lines } = await run('status')
    expect(lines[0]).toBe('cluster demo, view 1, 4096 shards')
    expect(lines[2]).toMatch(/^node +state +roles +shards +cpu +calls\/s +actors +clients +lag +up$/)
    const cells = lines.slice(3).map((line) => line.split(/ {2,}/))
    expect(cells.map(([node, state, roles]) => [node, state, roles])).toEqual([
      ['n1', 'alive', 'gateway, actors'],
      ['n2', 'alive', 'gateway, actors'],
      ['n3', 'alive', 'gateway, actors'],
    ])
    expect(cells.reduce((sum, [, , , shards]) => sum + Number(shards), 0)).toBe(4_096)
    expect((await run('nodes')).lines[1]).toMatch(/^n1 +alive +10\.0\.0\.1:7000 .* 0\.1\.0 .* 136\d open$/)
    const [json] = (await run('status', '--json')).lines
    expect(JSON.parse(json!)).toMatchObject({ cluster: 'demo', shardCount: 4_096, nodes: [{ node: 'n1' }, {}, {}] })
  })

  test('status says of each what is wrong: silent, halted, unanswering', async () => {
    cluster.mute('n2')
    cluster.halt('n3')
    const states = async () => (await run('status')).lines.slice(3).map((line) => line.split(/ {2,}/)[1])
    expect(await states()).toEqual(['alive', 'unanswering', 'halted'])
    await cluster.setDraining('n2', true)
    cluster.kill('n3')
    expect(await states()).toEqual(['alive', 'unanswering', 'silent'])
  })

  test('drain says how many shards are to go, and ends when none is left; --undo takes it back', async () => {
    const draining = run('drain', 'n2')
    await waitUntil('it is draining', () => cluster.view().members[1]!.isDraining)
    cluster.move(1_000)
    await waitUntil('it is told', async () => (await run('status')).lines.some((line) => /366 \(-366\)/.test(line)))
    cluster.move(4_096)
    const { code, lines } = await draining
    expect([code, lines.at(-1)]).toEqual([0, 'n2 has no shards.'])
    expect((await run('drain', 'n2', '--undo')).lines).toEqual(['n2 takes its share.'])
    expect(cluster.view().members[1]!.isDraining).toBe(false)
    expect((await run('rebalance')).lines[0]).toMatch(/^view \d+: \d+ shards are to move$/)
    await expect(run('drain', 'n9')).rejects.toThrow('There is no node n9.')
  })

  test('actors, actor and trace', async () => {
    const { lines } = await run('actors', 'chat', '--hot', '--limit', '3')
    expect(lines).toHaveLength(4)
    expect(lines[1]).toMatch(/^chat\/p\d+-77 +n\d +\d+ +\d+\.\d % +\d\.\d ms$/)
    expect((await run('actor', 'user', '5')).lines[1]).toMatch(/^ {2}shard 2081, epoch 1, on node n\d$/)
    expect((await run('trace', 'abc')).lines.at(-1)).toMatch(/n1 +chat\/p1-2 +post \(failed\) +0\.0 ms +1\.0 ms +t$/)
    expect(JSON.parse((await run('trace', 'abc', '--json')).lines[0]!)).toMatchObject({ of: 'request', traceId: 'abc' })
  })

  test('actors and actor: a kind that there is not, or an id that it cannot have, is refused with what there is', async () => {
    const kinds = quietActors(systemClock, systemRandom).map(({ type }) => type.kind)
    const refusal = `There is no kind nonsense; there are ${kinds.join(', ')}.`
    await expect(run('actors', 'nonsense')).rejects.toThrow(new CannotAsk(refusal))
    await expect(run('actor', 'nonsense', '5')).rejects.toThrow(new CannotAsk(refusal))
    for (const [kind, id] of [
      ['user', 'abc'],
      ['user', '05'],
      ['chat', 'p2-1'],
      ['id-allocator', 'user-1024'],
    ] as const)
      await expect(run('actor', kind, id)).rejects.toThrow(new CannotAsk(`${id} is no id of the kind ${kind}.`))
    expect(cluster.asked).toEqual([])
    expect((await run('actor', 'chat', 'p1-2')).code).toBe(0)
  })

  test('tail: what happened, then what happens, until the node ends', async () => {
    cluster.say('join', 'n3 is a member')
    const tail = run('tail').catch((error: unknown) => error)
    const lines: string[] = []
    const json = commands.get('tail')!.run(['--json', '--url', server.url, '--token-file', join(folder, 'token')], {
      ...{ environment: {}, clock: systemClock, random: systemRandom, log: noLog },
      say: (line) => lines.push(line),
    })
    await waitUntil('what was is told', () => lines.length === 1)
    cluster.say('takeover', '40 shards from n3 to n1, after a revocation')
    await waitUntil('what is is told', () => lines.length === 2)
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(['join', 'takeover'])
    server.close()
    await Promise.allSettled([tail, json])
    server = await serveAdmin(cluster, cluster.source('n1'))
  })

  test('says in a line what the person can mend', async () => {
    await expect(run('actor', 'user')).rejects.toThrow(WrongUsage)
    await expect(run('status', '--wrong')).rejects.toThrow(WrongUsage)
    await expect(run('actors', 'user', '--limit', 'x')).rejects.toThrow(WrongUsage)
    writeFileSync(join(folder, 'token'), 'a wrong one, long enough')
    await expect(run('status')).rejects.toThrow(/does not take this token/)
    server.close()
    await expect(run('status')).rejects.toThrow(/does not answer \(ECONNREFUSED\)/)
    server = await serveAdmin(cluster, cluster.source('n1'))
    expect(clusterFile).toMatch(/^\.heliograph\//)
  })
})
