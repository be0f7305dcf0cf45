// `npm run keys -- DIR`: what every gateway of a cluster has the same of: the key that clients know the server by, and the
// secret of access hashes. What is there already stays as it is.

import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { prepare } from './prepare.mjs'
import { main, root } from './project.mjs'

/** Makes the files in `dir`; the program has to be built. Gives their paths. */
export async function makeKeys(dir) {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const { loadServerKey } = await import(`${root}dist/gateway/index.js`)
  const { loadAccessHashKey } = await import(`${root}dist/server/access-hash-key.js`)
  loadServerKey(dir)
  loadAccessHashKey(dir, { bytes: randomBytes })
  const at = (name) => join(dir, name)
  return { serverKey: at('server-key.pem'), publicKey: at('server-key.pub.pem'), accessHashKey: at('access-hash.key') }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await main(async () => {
    const [dir] = process.argv.slice(2)
    if (dir === undefined) {
      console.error('npm run keys -- DIR: the folder to make the keys in')
      process.exitCode = 1
      return
    }
    await prepare({ dev: false })
    for (const path of Object.values(await makeKeys(resolve(dir)))) console.log(path)
  })
}
