/**
 * Explains the API server's message about a kubelet that it cannot reach; undefined for any other message.
 * Only the kubelet has the logs of its Pods.
 */
export function unreachable(
  pod: string,
  node: string | undefined,
  message: string,
): string | undefined {
  if (!/dial(ing)? |:10250\b|tunnel/.test(message)) return undefined
  const where = node === undefined ? 'the node' : `node "${node}"`
  return `${where} of Pod "${pod}" does not answer the API server, and only it has the log (${message}): kubectl describe node${node === undefined ? '' : ` ${node}`} shows its state`
}
