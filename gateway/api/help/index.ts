import type { Method } from '../method.js'
import { getAppConfig, getConfig, getNearestDc } from './config.js'
import { getCountriesList } from './countries.js'
import { acceptTermsOfService, getAppUpdate, getCdnConfig, getInviteText, getTermsOfServiceUpdate } from './terms.js'

export const helpMethods: readonly Method[] = [
  getConfig,
  getNearestDc,
  getAppConfig,
  getCountriesList,
  acceptTermsOfService,
  getTermsOfServiceUpdate,
  getAppUpdate,
  getCdnConfig,
  getInviteText,
]
