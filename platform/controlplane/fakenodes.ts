/** Nodes that do not exist: KWOK answers for them, and no container ever runs there. */
export function fakeNode(index: number): object {
  const name = `gpu-${index}`
  const amounts = {
    cpu: '64',
    memory: '512Gi',
    pods: '500',
    'ephemeral-storage': '2Ti',
    'nvidia.com/gpu': '8',
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'nvidia.com/gpu.product': 'NVIDIA-L4',
        'substratus.ai/simulated': 'true',
      },
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
    },
    status: { capacity: amounts, allocatable: amounts },
  }
}

/** The default StorageClass. kube-controller-manager provisions its volumes as empty folders under /tmp. */
export const storageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: {
    name: 'standard',
    annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
  },
  provisioner: 'kubernetes.io/host-path',
  allowVolumeExpansion: true,
}
