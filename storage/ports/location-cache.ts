/** Where the bytes of a file are. */
export interface FileLocation {
  readonly dc: number
  /** The bucket of the object store. */
  readonly bucket: string
  readonly key: string
  readonly bytes: number
}

/** Of a bucket's and a key's name together. A location that is longer is not kept. */
export const MAX_LOCATION_CHARACTERS = 2_048

/** Where files are, by file id; a file never moves without its id's removal here. */
export interface LocationCache {
  put(files: readonly { readonly file: string; readonly location: FileLocation }[]): Promise<boolean>
  remove(files: readonly string[]): Promise<boolean>
  of(files: readonly string[]): Promise<readonly (FileLocation | undefined)[]>
}
