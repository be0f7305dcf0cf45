import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { settingTable } from './setting-table.js'
import { SettingsRefused, type TlsFiles } from './settings.js'

/**
 * Reads certificate and key once, before anything listens, so that a wrong one is told as what it is.
 *
 * @throws SettingsRefused
 */
export function checkTlsFiles({ certFile, keyFile }: TlsFiles): void {
  const cert = settingTable.tlsCertFile.env
  const key = settingTable.tlsKeyFile.env
  const certificate = read(cert, certFile, 'a certificate in PEM form', (pem) => new X509Certificate(pem))
  const privateKey = read(key, keyFile, 'a private key in PEM form without a passphrase', createPrivateKey)
  if (!certificate.checkPrivateKey(privateKey))
    throw new SettingsRefused([{ env: key, value: keyFile, cure: `give the key that belongs to ${cert}=${certFile}` }])
}

function read<T>(env: string, path: string, wanted: string, parse: (pem: Buffer) => T): T {
  let pem: Buffer
  try {
    pem = readFileSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new SettingsRefused([{ env, value: path, cure: `cannot be read (${code}): give ${wanted}` }])
  }
  try {
    return parse(pem)
  } catch {
    throw new SettingsRefused([{ env, value: path, cure: `is not ${wanted}: give one` }])
  }
}
