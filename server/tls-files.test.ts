import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SettingsRefused } from './settings.js'
import { checkTlsFiles } from './tls-files.js'

/** Made for this test alone, for "localhost". */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUKo5CvTn1TIyrvHIHKsEm3Ax2ST0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEzNTUzM1oYDzIxMjYxMDI4
MTM1NTMzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQqHtREc81rKNSrPQD7ojSFD8160y90U25C6oRQt6AiepJPt+R6BMMi
+oLiN8eMJJ/aOQizuMpnETFUT/RE/Ms5o1MwUTAdBgNVHQ4EFgQUoUw3jAIHz+If
3RSP/udhUU8fFP8wHwYDVR0jBBgwFoAUoUw3jAIHz+If3RSP/udhUU8fFP8wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAqbXkf5V57r/b3cLqc3Wo
YFfxDAFXTqrPbjh5iGsfXGACIQDeJ4BUf3GzTrBKZpqO1d9G8WWKlFbFk1Fexn9G
pp50jQ==
-----END CERTIFICATE-----
`
const itsKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgBIxpJoUrCqbjVMOP
RsgxYq16zPaf9wmcIBaFLKhzD4yhRANCAAQqHtREc81rKNSrPQD7ojSFD8160y90
U25C6oRQt6AiepJPt+R6BMMi+oLiN8eMJJ/aOQizuMpnETFUT/RE/Ms5
-----END PRIVATE KEY-----
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heliograph-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function check(cert: string, key: string) {
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  writeFileSync(files.certFile, cert)
  writeFileSync(files.keyFile, key)
  try {
    checkTlsFiles(files)
  } catch (error) {
    if (error instanceof SettingsRefused) return error.message
    throw error
  }
  return 'taken'
}

test('a certificate and its key are taken', () => {
  expect(check(certificate, itsKey)).toBe('taken')
})

test('what is wrong is told with the setting to change', () => {
  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  expect(check(certificate, otherKey.toString())).toMatch(/^HELIOGRAPH_TLS_KEY_FILE=.*give the key that belongs/)
  expect(check(certificate, certificate)).toMatch(/^HELIOGRAPH_TLS_KEY_FILE=.*is not a private key/)
  expect(check('hello', itsKey)).toMatch(/^HELIOGRAPH_TLS_CERT_FILE=.*is not a certificate/)
})

test('a file that is not there is told by its path', () => {
  const missing = { certFile: join(folder, 'none.pem'), keyFile: join(folder, 'none.pem') }
  expect(() => checkTlsFiles(missing)).toThrow(/none.pem: cannot be read \(ENOENT\)/)
})
