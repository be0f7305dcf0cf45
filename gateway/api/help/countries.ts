import type { tl } from '../../tl/index.js'
import { refuseCall } from '../errors.js'
import { method } from '../method.js'

/** ISO 3166 codes with their calling codes (ITU E.164), and the prefixes of those that share one. */
const CALLING_CODES =
  'AF93 AL355 DZ213 AS1:684 AD376 AO244 AI1:264 AG1:268 AR54 AM374 AW297 AU61 AT43 AZ994 BS1:242 BH973 BD880 ' +
  'BB1:246 BY375 BE32 BZ501 BJ229 BM1:441 BT975 BO591 BA387 BW267 BR55 IO246 VG1:284 BN673 BG359 BF226 BI257 ' +
  'KH855 CM237 CA1:204,226,236,249,250,289,306,343,365,403,416,418,431,437,438,450,506,514,519,548,579,581,587,604,' +
  '613,639,647,672,705,709,742,778,780,782,807,819,825,867,873,902,905 CV238 BQ599 KY1:345 CF236 TD235 CL56 CN86 ' +
  'CO57 KM269 CG242 CD243 CK682 CR506 HR385 CU53 CW599:9 CY357 CZ420 DK45 DJ253 DM1:767 DO1:809,829,849 EC593 EG20 ' +
  'SV503 GQ240 ER291 EE372 SZ268 ET251 FK500 FO298 FJ679 FI358 FR33 GF594 PF689 GA241 GM220 GE995 DE49 GH233 GI350 ' +
  'GR30 GL299 GD1:473 GP590 GU1:671 GT502 GN224 GW245 GY592 HT509 HN504 HK852 HU36 IS354 IN91 ID62 IR98 IQ964 IE353 ' +
  'IL972 IT39 CI225 JM1:876 JP81 JO962 KZ7:6,7 KE254 KI686 XK383 KW965 KG996 LA856 LV371 LB961 LS266 LR231 LY218 ' +
  'LI423 LT370 LU352 MO853 MG261 MW265 MY60 MV960 ML223 MT356 MH692 MQ596 MR222 MU230 MX52 FM691 MD373 MC377 MN976 ' +
  'ME382 MS1:664 MA212 MZ258 MM95 NA264 NR674 NP977 NL31 NC687 NZ64 NI505 NE227 NG234 NU683 NF672 KP850 MK389 ' +
  'MP1:670 NO47 OM968 PK92 PW680 PS970 PA507 PG675 PY595 PE51 PH63 PL48 PT351 PR1:787,939 QA974 RE262 RO40 RU7 RW250 ' +
  'SH290 KN1:869 LC1:758 PM508 VC1:784 WS685 SM378 ST239 SA966 SN221 RS381 SC248 SL232 SG65 SX1:721 SK421 SI386 SB677 ' +
  'SO252 ZA27 KR82 SS211 ES34 LK94 SD249 SR597 SE46 CH41 SY963 TW886 TJ992 TZ255 TH66 TL670 TG228 TK690 TO676 ' +
  'TT1:868 TN216 TR90 TM993 TC1:649 TV688 UG256 UA380 AE971 GB44 US1 UY598 VI1:340 UZ998 VU678 VE58 VN84 WF681 YE967 ' +
  'ZM260 ZW263'

const COUNTRIES = CALLING_CODES.split(' ').map((entry): { iso2: string; code: tl.help.RawCountryCode } => {
  const [, iso2 = '', countryCode = '', prefixes] = /^([A-Z]{2})([0-9]+)(?::([0-9,]+))?$/.exec(entry) ?? []
  return { iso2, code: { _: 'help.countryCode', countryCode, prefixes: prefixes?.split(',') } }
})
const COUNTRIES_HASH = 1
const LANGUAGE = /^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8}){0,3}$/

export const getCountriesList = method(
  'help.getCountriesList',
  { auth: 'any' },
  async ({ langCode, hash }): Promise<tl.help.TypeCountriesList> => {
    if (hash === COUNTRIES_HASH) return { _: 'help.countriesListNotModified' }
    if (!LANGUAGE.test(langCode)) return refuseCall('LANG_CODE_NOT_SUPPORTED')
    const english = new Intl.DisplayNames('en', { type: 'region' })
    const localized = new Intl.DisplayNames(langCode.replaceAll('_', '-'), { type: 'region' })
    return {
      _: 'help.countriesList',
      countries: COUNTRIES.map(({ iso2, code }) => {
        const defaultName = english.of(iso2) ?? iso2
        const name = localized.of(iso2)
        return {
          _: 'help.country',
          iso2,
          defaultName,
          name: name === defaultName ? undefined : name,
          countryCodes: [code],
        }
      }),
      hash: COUNTRIES_HASH,
    }
  },
)
