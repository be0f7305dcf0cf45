import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser } from '../../test/harness/browser.js'
import { waitUntil } from '../../test/harness/index.js'
import { slowLink } from '../../test/harness/slow-link.js'
import { type AdminServer, serveAdmin, testToken } from './testing/admin-server.js'
import { MadeUpCluster } from './testing/made-up-cluster.js'

/** The dashboard in a real browser, over a cluster that is told what to be. */
let browser: Browser
let cluster: MadeUpCluster
let server: AdminServer
const pages: Page[] = []
let complaints: string[]

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

beforeEach(async () => {
  cluster = new MadeUpCluster(['n1', 'n2', 'n3'])
  server = await serveAdmin(cluster, cluster.source('n1'))
  complaints = []
})
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close()
  server.close()
  expect([complaints, server.failures]).toEqual([[], []])
})

interface Opening {
  readonly at?: string
  readonly width?: number
  readonly isDark?: boolean
}

async function open({ at = server.url, width = 1_280, isDark = false }: Opening = {}): Promise<Page> {
  const colorScheme = isDark ? 'dark' : 'light'
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme })
  const page = await context.newPage()
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    // The first look, before anybody has logged in, and the one at a line that was just cut.
    const isExpected = /401|ERR_|WebSocket/.test(message.text())
    if (message.type() === 'error' && !isExpected) complaints.push(message.text())
  })
  pages.push(page)
  await page.goto(`${at}/admin/`)
  return page
}

async function logIn(page: Page): Promise<void> {
  await page.fill('input[name=token]', testToken)
  await page.click('#login button')
  await page.waitForSelector('#nodes [data-node=n3]')
}

const text = (page: Page, selector: string) =>
  page
    .locator(selector)
    .textContent()
    .then((content) => content ?? '')

describe('the dashboard', () => {
  test('shows nothing before the token, refuses a wrong one, and keeps who has shown it over a reload', async () => {
    const page = await open()
    await page.waitForSelector('#login:not([hidden])')
    expect(await page.locator('#board').isVisible()).toBe(false)
    await page.fill('input[name=token]', 'a guess that is long enough')
    await page.click('#login button')
    await waitUntil('it is refused', async () => (await text(page, '.wrong')).includes('not the token'))
    await logIn(page)
    await page.reload()
    await page.waitForSelector('#nodes [data-node=n3]')
    const cookies = await page.context().cookies()
    expect(cookies.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path }))).toEqual([
      { httpOnly: true, sameSite: 'Strict', path: '/admin' },
    ])
    expect(await page.evaluate('document.cookie')).toBe('')
    await page.click('#logout')
    await page.waitForSelector('#login:not([hidden])')
  })

  test('tells the nodes, their load, hot actors and events as they come', async () => {
    const page = await open()
    await logIn(page)
    expect(await text(page, '#health')).toBe('3 nodes, all well')
    expect(await text(page, '[data-node=n2]')).toMatch(/alive.*gateway and actors.*1,36[56]/)
    await waitUntil('rates are shown', async () => (await text(page, '[data-figure=calls] b')) !== '')
    expect(await text(page, '#hot')).toContain('chat/g4711')
    expect(await text(page, '#kinds')).toMatch(/user43\.2 k/)
    cluster.say('join', 'n4 is a member')
    await waitUntil('the event is shown', async () => (await text(page, '#events')).includes('n4 is a member'))
    expect(await text(page, '#events li:first-child .badge')).toBe('join')
  })

  test('shows a node that dies, its takeover, and a node that is drained by its button', async () => {
    const page = await open()
    await logIn(page)
    cluster.kill('n3')
    await waitUntil('n3 is silent', async () => (await text(page, '#health')) === 'n3 silent')
    cluster.takeOver()
    const shards = () => page.locator('[data-node] dl > div:first-child dd').allTextContents()
    await waitUntil('the others have its shards', async () => (await shards()).join(' ') === '2,048 2,048')
    page.once('dialog', (dialog) => void dialog.accept())
    await page.click('[data-node=n2] button')
    await waitUntil('it is draining', async () => (await text(page, '[data-node=n2] .badge')) === 'draining')
    cluster.move(4_096)
    await waitUntil('it is empty', async () => (await shards()).join(' ') === '4,096 0')
  })

  test('paints the ring in the colours of the owners', async () => {
    const page = await open({ isDark: true })
    await logIn(page)
    const painted = () =>
      page.locator('#ring').evaluate((element: unknown) => {
        const canvas = element as {
          width: number
          height: number
          getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array } }
        }
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        const colours = [
          [0x3b, 0x82, 0xf6],
          [0xf0, 0x8c, 0x2e],
          [0x18, 0xa8, 0x75],
        ] as const
        const found = [0, 0, 0]
        for (let at = 0; at < data.length; at += 4) {
          for (const [index, [r, g, b]] of colours.entries()) {
            if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] === 255) found[index]!++
          }
        }
        return found
      })
    await waitUntil('three arcs are there', async () => (await painted()).every((count) => count > 500))
    const [one = 0, two = 0, three = 0] = await painted()
    expect(Math.max(one, two, three) / Math.min(one, two, three)).toBeLessThan(1.5)
  })

  test('works at the width of a phone: nothing is wider than the page', async () => {
    const page = await open({ width: 360, isDark: true })
    await logIn(page)
    const widths = () =>
      page.evaluate('[document.documentElement.scrollWidth, innerWidth]') as Promise<[number, number]>
    const [content, screen] = await widths()
    expect(content).toBeLessThanOrEqual(screen)
    await page.locator('#events').scrollIntoViewIfNeeded()
    expect(await page.locator('#hot').isVisible()).toBe(true)
  })

  test('says that its node is gone, and goes on when that is back', async () => {
    const link = await slowLink(Number(new URL(server.url).port))
    const page = await open({ at: `http://127.0.0.1:${link.port}` })
    await logIn(page)
    link.cut()
    await waitUntil('it is said', async () => (await text(page, '#health')) === 'not connected')
    await waitUntil('all is well', async () => (await text(page, '#health')) === '3 nodes, all well')
    await link.dispose()
  })

  test('nodes are asked only while somebody looks', async () => {
    const page = await open()
    await logIn(page)
    await page.close()
    const before = await waitUntil('the questions have ended', async () => {
      const { length } = cluster.asked
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return cluster.asked.length === length && length
    })
    expect(before).toBeGreaterThan(0)
  })
})
