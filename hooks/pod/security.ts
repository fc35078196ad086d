import type { Config } from '../../crds/config.ts'

/** Pod Security: what every Pod and container says, but the builder's. */

/** The group that owns volumes; the same in every Pod, so that one stage reads what another wrote. */
const fsGroup = 3003

/**
 * `baseline` lets images run as root, for many do; `restricted` refuses them, and the kubelet's
 * message names runAsNonRoot. fsGroup changes owners once, not at every mount of a large volume.
 */
export const podSecurity = (config: Config) => ({
  automountServiceAccountToken: false,
  ...(config.userNamespaces && { hostUsers: false }),
  securityContext: {
    fsGroup,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
    ...(config.podSecurity === 'restricted' && { runAsNonRoot: true }),
  },
})

export const containerSecurity = (config: Config) => ({
  securityContext: {
    allowPrivilegeEscalation: false,
    ...(config.podSecurity === 'restricted' && { capabilities: { drop: ['ALL'] } }),
  },
})

/**
 * The loader and seal run as root where they may, to read what any container has written; where no
 * Pod may be root, as a user of their own.
 */
export const toolSecurity = (config: Config) => ({
  securityContext: {
    ...containerSecurity(config).securityContext,
    ...(config.podSecurity === 'restricted' && { runAsUser: 1000 }),
  },
})
