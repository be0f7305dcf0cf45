import type { tl } from '../../tl/index.js'
import { refuseCall } from '../errors.js'
import { type Method, method } from '../method.js'

/** This server hosts no translations: clients keep those that they ship with. */
const getLanguages = method('langpack.getLanguages', { auth: 'any' }, async () => [])

const getLanguage = method('langpack.getLanguage', { auth: 'any' }, async () => refuseCall('LANG_CODE_NOT_SUPPORTED'))

const getLangPack = method('langpack.getLangPack', { auth: 'any' }, async ({ langCode }) => nothing(langCode, 0))

const getDifference = method('langpack.getDifference', { auth: 'any' }, async ({ langCode, fromVersion }) =>
  nothing(langCode, fromVersion),
)

const getStrings = method('langpack.getStrings', { auth: 'any' }, async () => [])

function nothing(langCode: string, version: number): tl.RawLangPackDifference {
  return { _: 'langPackDifference', langCode, fromVersion: version, version, strings: [] }
}

export const langpackMethods: readonly Method[] = [getLanguages, getLanguage, getLangPack, getDifference, getStrings]
