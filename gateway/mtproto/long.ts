/**
 * A 64-bit opaque id (msg_id, session_id, auth_key_id, salt ...): its eight little-endian bytes as a latin1 string,
 * so that it can be compared, hashed and used as a map's key without a BigInt or an object.
 */
export type Long = string & { readonly __long: true }
