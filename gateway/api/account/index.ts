import type { Method } from '../method.js'
import { deleteAccount } from './deletion.js'
import { getAuthorizations, resetAuthorization } from './devices.js'
import { getNotifySettings, updateNotifySettings } from './notify.js'
import { updateStatus } from './presence.js'
import { checkUsername, updateProfile, updateUsername } from './profile.js'

export const accountMethods: readonly Method[] = [
  updateProfile,
  checkUsername,
  updateUsername,
  updateStatus,
  getAuthorizations,
  resetAuthorization,
  deleteAccount,
  getNotifySettings,
  updateNotifySettings,
]
