import { group } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { yaml, yamlMark } from './yaml.ts'

/**
 * The health of an object for Argo CD, whose scripts are in Lua: the same as kstatus concludes from the
 * conditions, so that a new reason changes nothing here.
 */
const script = `local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled = conditions.Ready, conditions.Stalled
if ready == nil then
  return {status = "Progressing", message = "the controller has not looked at it yet"}
end
if (status.observedGeneration or obj.metadata.generation) ~= obj.metadata.generation then
  return {status = "Progressing", message = "the controller has not seen the change yet"}
end
local message = ready.reason .. ": " .. ready.message
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = message}
end
if ready.status == "True" then
  return {status = "Healthy", message = message}
end
return {status = "Progressing", message = message}
`

/** What to add to the ConfigMap argocd-cm, which belongs to Argo CD. */
export const argocdHealthChecks = (): string =>
  `${yamlMark}# kubectl patch configmap argocd-cm --namespace argocd --patch-file FILE
${yaml({
  data: Object.fromEntries(
    kinds.map(({ kind }) => [`resource.customizations.health.${group}_${kind}`, script]),
  ),
})}`
