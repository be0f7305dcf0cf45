import { existsSync, readFileSync } from 'node:fs'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The dashboard's own files and nothing else; nobody may frame it, nothing is loaded from elsewhere. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

interface DashboardFile {
  readonly type: string
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** What lies under web/dashboard, read once. */
export interface DashboardFiles {
  /** Under `/admin/`; the empty one is the page. */
  readonly paths: readonly string[]
  read(path: string): DashboardFile
}

/** @param names files of web/dashboard that are served; index.html is the page */
export function dashboardFiles(names: readonly string[]): DashboardFiles {
  const files = new Map<string, DashboardFile>()
  const folder = folderOf()
  for (const name of names) {
    const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
    const body = readFileSync(new URL(name, folder))
    files.set(name === 'index.html' ? '' : name, { type, body, headers: { 'content-security-policy': policy } })
  }
  return {
    paths: [...files.keys()],
    read(path) {
      const file = files.get(path)
      if (file === undefined) throw new TypeError(`the dashboard has no file ${path}`)
      return file
    },
  }
}

/** Two folders up in the sources, three in dist/, as for the package's own description. */
function folderOf(): URL {
  const [inSources, inDist] = ['../../web/dashboard/', '../../../web/dashboard/'].map(
    (path) => new URL(path, import.meta.url),
  )
  return existsSync(inSources!) ? inSources! : inDist!
}
