import { networkInterfaces } from 'node:os'

/**
 * Where to look for a server of the same Pod, in this order. A server may listen at the Pod's own addresses
 * alone, at which the kubelet and Services reach it. Those of a single link, fe80::, lead nowhere without the
 * link's name.
 */
export const ownAddresses = (): readonly string[] => [
  '127.0.0.1',
  ...Object.values(networkInterfaces())
    .flatMap((all = []) => all)
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address),
]
