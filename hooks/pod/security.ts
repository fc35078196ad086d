import type { Config } from '../../crds/config.ts'

/** The security context of every Pod and container except the builder's. */

/** The group that owns volumes; the same in every Pod, so that one stage can read what another wrote. */
export const fsGroup = 3003

/**
 * `baseline` allows images that run as root, because many do. With `restricted` the kubelet refuses
 * them, with a message about runAsNonRoot. OnRootMismatch changes the owners in a large volume once, not
 * at every mount.
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
 * The loader, seal and the idle watch run as root, so that they can read what any container has
 * written; with `restricted`, they run as the user 1000, as most images do.
 */
export const toolSecurity = (config: Config) => ({
  securityContext: {
    ...containerSecurity(config).securityContext,
    ...(config.podSecurity === 'restricted' && { runAsUser: 1000 }),
  },
})
