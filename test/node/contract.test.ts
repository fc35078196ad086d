import { describe, expect, test } from 'vitest'
import { gitHttpsUrl, gitSshUrl } from '../../platform/node/addresses.ts'
import { apply, get, manifest, namespace, ok } from '../cluster/cluster.ts'
import { base, commit, gitCredentials, secret, seenIn, untilSays } from './realnode.ts'

/** Checks docs/container-contract.md inside the containers. */

const look = `#!/bin/sh
{
  echo "user $(id -u), groups $(id -G)"
  echo "in $(pwd)"
  cat /content/params.json; echo
  env | grep -E '^(PARAM_|TOKEN|PLAIN)' | sort
  echo "shm $(df -P /dev/shm | tail -1 | awk '{print $1}')"
  cat /content/data/rows
  touch /content/data/more 2>&1 | sed 's/.*: //'
} >/content/artifacts/seen 2>&1
`

const rows = {
  image: `${base}/busybox:1`,
  command: ['/bin/sh', '-c', 'echo one two >/content/artifacts/rows'],
}

/** A private repository, and a Secret with its credentials. */
const token = {
  how: 'https with a token',
  url: (name: string) => `${gitHttpsUrl}/${name}.git`,
  type: 'kubernetes.io/basic-auth',
  data: () => ({ username: 'git', password: 'letmein', 'ca.crt': gitCredentials().ca }),
} as const
const key = {
  how: 'ssh with a key',
  url: (name: string) => `${gitSshUrl}/${name}.git`,
  type: 'kubernetes.io/ssh-auth',
  data: () => {
    const { key, knownHosts } = gitCredentials()
    return { 'ssh-privatekey': key, known_hosts: knownHosts }
  },
} as const

describe.concurrent('a container sees', () => {
  test.each([
    { who: 'root', user: '', id: 'user 0, groups 0', git: token },
    { who: 'a user of its own', user: 'USER 1234', id: 'user 1234, groups 0', git: key },
  ])(
    'what docs/container-contract.md promises, as $who under Pod Security baseline, cloned over $git.how',
    async ({ user, id, git }) => {
      const ns = await namespace('contract')
      commit(`private/${ns}`, {
        'deep/Dockerfile': `FROM ${base}/busybox:1\nWORKDIR /opt/train\nCOPY look.sh /look.sh\nRUN chmod 755 /look.sh\n${user}\nCMD ["/look.sh"]\n`,
        'deep/look.sh': look,
      })
      await secret(ns, 'git', git.type, git.data())
      await secret(ns, 'hub', 'Opaque', { token: 'from-a-secret' })
      await apply(ns, manifest('Dataset', 'rows', { ...rows, suspend: true }))
      await apply(
        ns,
        manifest('Model', 'it', {
          build: { git: { url: git.url(`private/${ns}`), path: 'deep', secretName: 'git' } },
          dataset: { name: 'rows' },
          params: { 'learning-rate': 0.5, epochs: 3, name: 'a "b"' },
          env: { TOKEN: '${{ secrets.hub.token }}', PLAIN: 'plain' },
          resources: { gpu: { count: 1 } },
          package: 'Never',
        }),
      )
      // The builder alone needs more than that.
      await untilSays(ns, 'model/it', 'False Waiting: waiting for Dataset "rows"')
      await ok(['label', 'namespace', ns, 'pod-security.kubernetes.io/enforce=baseline'])
      await apply(ns, manifest('Dataset', 'rows', rows))
      await untilSays(ns, 'model/it', 'True Done')
      const { url } = (await get(ns, 'model/it')).status.artifacts
      const [, claimName, subPath] = /^pvc:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
      const seen = await seenIn(ns, { persistentVolumeClaim: { claimName } }, 'cat /it/seen', {
        subPath,
      })
      expect(seen.split('\n')).toEqual([
        expect.stringMatching(new RegExp(`^${id}( .*)? ?3003$`)),
        'in /opt/train',
        '{"epochs":3,"learning-rate":0.5,"name":"a \\"b\\""}',
        'PARAM_EPOCHS=3',
        'PARAM_LEARNING_RATE=0.5',
        'PARAM_NAME=a "b"',
        'PLAIN=plain',
        'TOKEN=from-a-secret',
        'shm tmpfs',
        'one two',
        'Read-only file system',
      ])
    },
  )
})

describe.concurrent('Git is cloned', () => {
  test('at a branch, a tag and a commit', async () => {
    const ns = await namespace('refs')
    const dockerfile = (word: string) => ({
      Dockerfile: `FROM ${base}/busybox:1\nCMD ["/bin/sh", "-c", "echo ${word} >/content/artifacts/word"]\n`,
    })
    const first = commit(`${ns}/code`, dockerfile('first'), { tag: 'v1' })
    const second = commit(`${ns}/code`, dockerfile('second'))
    const third = commit(`${ns}/code`, dockerfile('third'))
    const side = commit(`${ns}/code`, dockerfile('side'), { branch: 'v1' })
    const refs = {
      tag: { ref: { tag: 'v1' }, expected: first },
      commit: { ref: { commit: second.commit }, expected: second },
      newest: { ref: {}, expected: third },
      // A branch with the name of the tag: each is found by its kind.
      branch: { ref: { branch: 'v1' }, expected: side },
    }
    await apply(
      ns,
      ...Object.entries(refs).map(([name, { ref }]) =>
        manifest('Model', name, { build: { git: { url: first.url, ...ref } } }),
      ),
    )
    for (const [name, { expected }] of Object.entries(refs)) {
      await untilSays(ns, `model/${name}`, 'True Done: the image is the model')
      expect((await get(ns, `model/${name}`)).status.stages.build.commit).toBe(expected.commit)
    }
  })
})
