import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * A real browser without a window, which the caller closes. It is what HELIOGRAPH_TEST_CHROMIUM names, or Debian's.
 *
 * @throws Error with the command that installs it
 */
export async function openBrowser(): Promise<Browser> {
  const named = process.env.HELIOGRAPH_TEST_CHROMIUM
  const executablePath = [...(named ? [named] : []), ...places].find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('chromium missing: run npm run services -- install')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}
