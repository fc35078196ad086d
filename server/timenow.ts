/** As Kubernetes writes times, to the second. */
export const timeNow = (): string => new Date().toISOString().replace(/\.[0-9]+Z$/, 'Z')
