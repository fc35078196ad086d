/** The version that the Kubernetes client needs; package.json has the same. */
export const oldestNode = '22.19'

const numbers = (version: string): readonly number[] => version.split('.').map(Number)

export function isOldNode(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = numbers(version)
  const [oldestMajor = 0, oldestMinor = 0] = numbers(oldestNode)
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor)
}
