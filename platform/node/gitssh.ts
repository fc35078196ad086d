import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../command.ts'
import { gitSshUrl } from './addresses.ts'

/**
 * What an sshd needs to serve Git: a host key and one client key, all in the node's folder. The client
 * key allows fetching and pushing, and nothing else.
 */

/** What a client needs: its key, and known_hosts. */
export const sshFiles = (folder: string) => ({
  key: join(folder, 'ssh', 'client'),
  knownHosts: join(folder, 'ssh', 'known_hosts'),
})

/** The path of the configuration. */
export async function prepareSsh(folder: string, repositories: string): Promise<string> {
  const place = join(folder, 'ssh')
  mkdirSync(place)
  const inPlace = (name: string, text: string) => {
    const path = join(place, name)
    writeFileSync(path, text)
    return path
  }
  const publicKey = async (name: string) => {
    const path = join(place, name)
    await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path])
    return readFileSync(`${path}.pub`, 'utf8').trim()
  }
  const { hostname, port } = new URL(gitSshUrl)
  inPlace('known_hosts', `[${hostname}]:${port} ${await publicKey('host')}\n`)
  const shell = inPlace('git.sh', gitShell(repositories))
  chmodSync(shell, 0o755)
  const keys = inPlace(
    'authorized_keys',
    `restrict,command="${shell}" ${await publicKey('client')}\n`,
  )
  // Debian's sshd requires this folder, which only its own service creates.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  return inPlace('sshd_config', sshd(join(place, 'host'), keys))
}

const sshd = (hostKey: string, keys: string) => `HostKey ${hostKey}
PidFile none
AuthenticationMethods publickey
AuthorizedKeysFile ${keys}
PermitRootLogin forced-commands-only
# The folder is usually below /tmp, which is world-writable.
StrictModes no
UsePAM no
`

/** Restricts the paths in ssh addresses to the folder of the repositories. */
const gitShell = (repositories: string) => `#!/bin/sh
program="\${SSH_ORIGINAL_COMMAND%% *}"
path="\${SSH_ORIGINAL_COMMAND#* }"
path="\${path#\\'}"
path="\${path%\\'}"
case "$program" in git-upload-pack | git-receive-pack) ;; *)
  echo "only Git is served here" >&2
  exit 128
  ;;
esac
case "$path" in *..* | *\\'*)
  echo "'$path' is no repository" >&2
  exit 128
  ;;
esac
export GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=uploadpack.allowAnySHA1InWant GIT_CONFIG_VALUE_0=true
export GIT_CONFIG_KEY_1=safe.directory GIT_CONFIG_VALUE_1='*'
exec "$program" "${repositories}$path"
`
