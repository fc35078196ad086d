/** The variables that say how programs reach hosts: proxies under the usual names, and private CAs as PEM. */

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'] as const

const networkNames = [
  ...proxyNames,
  ...proxyNames.map((name) => name.toLowerCase()),
  'CA_CERTIFICATES',
]

/** The variables of the network that are set, in a fixed order. */
export const networkIn = (
  env: Readonly<Record<string, string | undefined>> = {},
): readonly (readonly [name: string, value: string])[] =>
  networkNames.flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
