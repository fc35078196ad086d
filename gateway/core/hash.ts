/** Fast hashes of 32 bits, to spread requests; they protect nothing. */

/** FNV-1a over the units of the text. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mixed(hash)
}

/** MurmurHash3's finalizer: every bit of the input changes about half of those of the result. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

/** How well a key fits a replica: each pair has its own value, whatever other replicas there are. */
export const affinity = (key: number, replica: number): number =>
  mixed(Math.imul(key, 0x9e3779b1) ^ replica)
