import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { methodNames } from '../tl/index.js'
import { readHistory } from '../tl/test/shapes.js'
import { methodTable } from './registry.js'

const pagePath = new URL('../../docs/protocol.md', import.meta.url)
const between = /(<!-- coverage: [^>]*-->\n)[\s\S]*?(<!-- end of coverage -->)/

/** Methods that belong to a session and are answered below the API (gateway/mtproto). */
const OF_THE_SESSION = ['auth.bindTempAuthKey']

function namespaceOf(name: string): string {
  return name.includes('.') ? name.slice(0, name.indexOf('.')) : ''
}

function coverageTable(served: ReadonlySet<string>): string {
  const namespaces = [...new Set([...methodNames].map(namespaceOf))].filter((name) => name !== '').sort()
  const lines = namespaces.map((namespace) => {
    const all = [...methodNames].filter((name) => namespaceOf(name) === namespace)
    const here = all.filter((name) => served.has(name)).map((name) => name.slice(namespace.length + 1))
    return `| ${namespace} | ${here.length} of ${all.length} | ${here.sort().join(', ')} |\n`
  })
  const total = [...served].length
  return (
    `${total} methods of the ${[...methodNames].length} in layers 167 to 228 are served; each other one answers ` +
    `\`METHOD_NOT_IMPLEMENTED\`.\n\n| namespace | served | methods |\n|---|---|---|\n${lines.join('')}`
  )
}

/** Fields that change nothing of what is done, and why each is so. */
const IGNORED: readonly (readonly [methods: string, fields: string, why: string])[] = [
  ['account.deleteAccount', 'password', 'no account has a password'],
  ['auth.resendCode', 'reason', 'why the code did not come'],
  ['auth.signIn', 'email_verification', 'codes come by text message or to devices'],
  ['auth.signUp', 'no_joined_notifications', 'nobody is told that a contact has joined'],
  ['contacts.addContact', 'add_phone_privacy_exception, note', 'there are no privacy settings; notes are not kept'],
  ['contacts.resolveUsername', 'referer', 'there are no affiliate programs'],
  [
    'messages.forwardMessages, messages.sendMessage',
    'background, allow_paid_floodskip, allow_paid_stars',
    'a hint to queues; nothing costs stars',
  ],
  [
    'messages.forwardMessages',
    'with_my_score, drop_media_captions, video_timestamp',
    'there are no games and no media',
  ],
  ['messages.saveDraft', 'media, effect', 'a link preview, an animation: the text is what is kept'],
  ['messages.sendMessage', 'update_stickersets_order', 'there are no sticker sets'],
  ['messages.sendReaction', 'big, add_to_recent', 'how the reaction is shown, and what the keyboard offers'],
  ['updates.getDifference', 'qts_limit', 'qts is 0'],
]

/** Fields that are served, of those that a call may leave away. */
const SERVED: Readonly<Record<string, string>> = {
  'account.updateProfile': 'first_name last_name about',
  'auth.signIn': 'phone_code',
  'messages.deleteChatUser': 'revoke_history',
  'messages.deleteHistory': 'just_clear revoke',
  'messages.deleteMessages': 'revoke',
  // Those of scheduled messages and of shortcuts are refused by the handler, whatever they say.
  'messages.editMessage':
    'no_webpage invert_media message entities schedule_date schedule_repeat_period quick_reply_shortcut_id',
  'messages.exportChatInvite': 'legacy_revoke_permanent expire_date usage_limit title',
  'messages.forwardMessages': 'silent drop_author noforwards reply_to schedule_date',
  'messages.getDialogs': 'exclude_pinned folder_id',
  'messages.getMessageReactionsList': 'reaction offset',
  'messages.markDialogUnread': 'unread',
  'messages.reorderPinnedDialogs': 'force',
  'messages.saveDraft': 'no_webpage invert_media reply_to entities',
  'messages.search': 'from_id',
  'messages.sendMessage': 'no_webpage silent clear_draft noforwards invert_media reply_to entities schedule_date',
  'messages.sendReaction': 'reaction',
  'messages.toggleDialogPin': 'pinned',
  'messages.updatePinnedMessage': 'silent unpin pm_oneside',
  'updates.getDifference': 'pts_limit pts_total_limit',
}

/** As the schema writes a field's name. */
function inSchema(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function refusedFields(): string {
  const lines = [...methodTable().values()].flatMap(({ name, unserved = {} }) =>
    Object.entries(unserved).map(([field, refusal]) => `| ${name} | ${inSchema(field)} | \`${refusal}\` |\n`),
  )
  const head = '| method | field | answer |\n|---|---|---|\n'
  return `A field that asks for something which is not served is refused:\n\n${head}${lines.sort().join('')}`
}

function ignoredFields(): string {
  const lines = IGNORED.map(([methods, fields, why]) => `| ${methods} | ${fields} | ${why} |\n`)
  return `These change nothing here, and are ignored:\n\n| methods | fields | because |\n|---|---|---|\n${lines.join('')}`
}

test('every field that a call may leave away is served, refused, or said to be ignored', () => {
  const unsaid: string[] = []
  for (const { name, isMethod, fields } of readHistory()) {
    const method = isMethod && [...methodTable().values()].find((one) => one.name === name)
    if (!method) continue
    const ignored = IGNORED.filter(([methods]) => methods.split(', ').includes(name)).flatMap(([, all]) =>
      all.split(', '),
    )
    const said = new Set([
      ...ignored,
      ...(SERVED[name] ?? '').split(' '),
      ...Object.keys(method.unserved ?? {}).map(inSchema),
    ])
    for (const { name: field, flag } of fields) if (flag && !said.has(field)) unsaid.push(`${name} ${field}`)
  }
  expect(unsaid).toEqual([])
})

test('docs/protocol.md lists what the code serves (write it with: npx vitest run gateway/api/coverage -u)', async () => {
  const page = readFileSync(pagePath, 'utf8')
  expect(page).toMatch(between)
  const methods = coverageTable(new Set([...methodTable().keys(), ...OF_THE_SESSION]))
  const table = `${methods}\n${refusedFields()}\n${ignoredFields()}`
  const updated = page.replace(between, (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  await expect(updated).toMatchFileSnapshot('../../docs/protocol.md')
})

test('every method that is served stands in the schema', () => {
  const known = new Set<string>(methodNames)
  for (const name of methodTable().keys()) expect(known, name).toContain(name)
})
