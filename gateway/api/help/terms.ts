import type { tl } from '../../tl/index.js'
import { method } from '../method.js'

const DAY_SECONDS = 86_400

/** There is one text of terms, and nothing hangs on its acceptance: it is granted, and nothing is kept. */
export const acceptTermsOfService = method('help.acceptTermsOfService', { auth: 'any' }, async () => true)

export const getTermsOfServiceUpdate = method(
  'help.getTermsOfServiceUpdate',
  { auth: 'user' },
  async (_request, call): Promise<tl.help.TypeTermsOfServiceUpdate> => ({
    _: 'help.termsOfServiceUpdateEmpty',
    expires: call.now + DAY_SECONDS,
  }),
)

/** This server publishes no applications. */
export const getAppUpdate = method(
  'help.getAppUpdate',
  { auth: 'any' },
  async (): Promise<tl.help.TypeAppUpdate> => ({ _: 'help.noAppUpdate' }),
)

/** No file is kept elsewhere: there are no content delivery nodes. */
export const getCdnConfig = method(
  'help.getCdnConfig',
  { auth: 'any' },
  async (): Promise<tl.RawCdnConfig> => ({
    _: 'cdnConfig',
    publicKeys: [],
  }),
)

export const getInviteText = method(
  'help.getInviteText',
  { auth: 'user' },
  async (_request, call): Promise<tl.help.RawInviteText> => ({
    _: 'help.inviteText',
    message: `Write me on the server at ${call.services.config.host}`,
  }),
)
