import { pathOf } from '../cluster/collections.ts'
import { patch } from '../cluster/exchange.ts'
import { type Cluster, type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { onOneLine } from '../crds/text.ts'
import { usageError } from '../terminal/usage.ts'
import { type Deed, doingOf } from '../view/deeds.ts'
import { explaining, objectAt } from './failures.ts'
import { type Target, targetsOf } from './target.ts'

/** `rerun`, `suspend`, `resume` and `rollout`: each writes the field or annotation that docs/ describes. */
export async function changeCommand(
  deed: Deed,
  words: readonly string[],
  options: ClusterOptions,
): Promise<number> {
  const targets = targetsOf(words, deed)
  if ('wrong' in targets) return usageError(targets.wrong)
  const cluster = clusterOf(options)
  let code = 0
  // As in kubectl, an error with one object does not stop the others.
  for (const target of targets) code = (await changeOne(deed, cluster, target)) || code
  return code
}

const changeOne = (deed: Deed, cluster: Cluster, target: Target): Promise<number> =>
  explaining(cluster.namespace, async () => {
    const object = await objectAt(cluster, target)
    const doing = doingOf(deed, object, new Date().toISOString())
    if ('cannot' in doing) {
      console.error(`error: ${onOneLine(doing.cannot)}`)
      return 1
    }
    if ('already' in doing) console.log(onOneLine(doing.already))
    else {
      const path = `${pathOf(target.kind, cluster.namespace)}/${target.name}`
      await patch(cluster.kubeConfig, path, doing.change, 'kubectl-substratus')
      console.log(onOneLine(doing.says))
    }
    return 0
  })
