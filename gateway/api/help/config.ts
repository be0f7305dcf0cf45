import { MAX_GROUP_MEMBERS } from '../../../actors/chat/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { MAX_MESSAGE_UNITS } from '../input/text.js'
import { method } from '../method.js'

const HOUR_SECONDS = 3600
const EDIT_TIME_LIMIT_SECONDS = 48 * HOUR_SECONDS
/** Messages may be taken back for everyone at any time. */
const REVOKE_TIME_LIMIT_SECONDS = 2 ** 31 - 1

/** Clients dial these as they are: literal addresses, and no other data centre but this one. */
function dcOptions({ dcId, host, port }: Call['services']['config']): tl.RawDcOption[] {
  const option: tl.RawDcOption = {
    _: 'dcOption',
    id: dcId,
    ipAddress: host,
    port,
    static: true,
    ipv6: host.includes(':'),
  }
  return [option, { ...option, mediaOnly: true }]
}

export const getConfig = method('help.getConfig', { auth: 'any' }, async (_request, call): Promise<tl.RawConfig> => {
  const { config } = call.services
  return {
    _: 'config',
    defaultP2pContacts: true,
    revokePmInbox: true,
    date: call.now,
    expires: call.now + HOUR_SECONDS,
    testMode: config.testMode,
    thisDc: config.dcId,
    dcOptions: dcOptions(config),
    dcTxtDomainName: '',
    chatSizeMax: MAX_GROUP_MEMBERS,
    megagroupSizeMax: MAX_GROUP_MEMBERS,
    forwardedCountMax: 100,
    onlineUpdatePeriodMs: 210_000,
    offlineBlurTimeoutMs: 5000,
    offlineIdleTimeoutMs: 30_000,
    onlineCloudTimeoutMs: 300_000,
    notifyCloudDelayMs: 30_000,
    notifyDefaultDelayMs: 1500,
    pushChatPeriodMs: 60_000,
    pushChatLimit: 2,
    editTimeLimit: EDIT_TIME_LIMIT_SECONDS,
    revokeTimeLimit: REVOKE_TIME_LIMIT_SECONDS,
    revokePmTimeLimit: REVOKE_TIME_LIMIT_SECONDS,
    ratingEDecay: 2_419_200,
    stickersRecentLimit: 0,
    channelsReadMediaPeriod: 604_800,
    callReceiveTimeoutMs: 20_000,
    callRingTimeoutMs: 90_000,
    callConnectTimeoutMs: 30_000,
    callPacketTimeoutMs: 10_000,
    meUrlPrefix: 'https://t.me/',
    captionLengthMax: 1024,
    messageLengthMax: MAX_MESSAGE_UNITS,
    webfileDcId: config.dcId,
  }
})

export const getNearestDc = method(
  'help.getNearestDc',
  { auth: 'any' },
  async (_request, call): Promise<tl.RawNearestDc> => {
    const { dcId } = call.services.config
    return { _: 'nearestDc', country: '', thisDc: dcId, nearestDc: dcId }
  },
)

/** Limits that clients ask for by name; what is not named here clients take from their own defaults. */
const APP_CONFIG: Readonly<Record<string, number | boolean>> = {
  reactions_user_max_default: 1,
  reactions_uniq_max: 11,
  chat_read_mark_size_threshold: 0,
  dialogs_pinned_limit_default: 100,
  dialogs_pinned_limit_premium: 100,
  about_length_limit_default: 70,
  dialog_filters_enabled: false,
  premium_purchase_blocked: true,
  stories_all_hidden: true,
}
const APP_CONFIG_HASH = 1

export const getAppConfig = method(
  'help.getAppConfig',
  { auth: 'any' },
  async ({ hash }): Promise<tl.help.TypeAppConfig> => {
    if (hash === APP_CONFIG_HASH) return { _: 'help.appConfigNotModified' }
    const value = Object.entries(APP_CONFIG).map(
      ([key, of]): tl.RawJsonObjectValue => ({
        _: 'jsonObjectValue',
        key,
        value: typeof of === 'number' ? { _: 'jsonNumber', value: of } : { _: 'jsonBool', value: of },
      }),
    )
    return { _: 'help.appConfig', hash: APP_CONFIG_HASH, config: { _: 'jsonObject', value } }
  },
)
