import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate that vouches for itself, in files as servers and clients read them. */
export interface TestCertificate {
  readonly certFile: string
  readonly keyFile: string
  /** What clients take as the authority. */
  readonly pem: string
  /** Both in one file as Java reads them (PKCS12), under `storePassword`. */
  readonly storeFile: string
  readonly storePassword: string
  dispose(): void
}

/** `names`: the address that it is for, as `subjectAltName` says it. Needs the openssl command. */
export function testCertificate(names = 'IP:127.0.0.1'): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'heliograph-tls-'))
  // Servers run as users of their own.
  chmodSync(folder, 0o711)
  const [certFile, keyFile, storeFile] = ['cert.pem', 'key.pem', 'store.p12'].map((name) => join(folder, name))
  const storePassword = 'for-tests'
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const subject = ['-subj', '/CN=server', '-addext', `subjectAltName=${names}`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile!]
  openssl('req', '-x509', ...key, '-out', certFile!, ...subject, '-days', '2')
  const store = ['-out', storeFile!, '-passout', `pass:${storePassword}`]
  openssl('pkcs12', '-export', '-in', certFile!, '-inkey', keyFile!, ...store)
  return {
    certFile: certFile!,
    keyFile: keyFile!,
    pem: readFileSync(certFile!, 'utf8'),
    storeFile: storeFile!,
    storePassword,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
