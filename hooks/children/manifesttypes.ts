import type { Child } from '../observe/protocol.ts'

/**
 * The manifests of our children and their Pods: only the fields that are written or read here, as
 * Kubernetes defines them, and read-only. Lists may be absent, but are never null.
 */

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly configMapKeyRef?: { readonly name?: string; readonly key: string }
    readonly secretKeyRef?: { readonly name?: string; readonly key: string }
  }
}

export interface VolumeMount {
  readonly name: string
  readonly mountPath: string
  readonly subPath?: string
  readonly readOnly?: boolean
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly workingDir?: string
  readonly env?: readonly EnvVar[]
  readonly ports?: readonly {
    readonly name?: string
    readonly containerPort?: number
    readonly protocol?: string
  }[]
  /** Always: an init container that runs beside the others, a sidecar. */
  readonly restartPolicy?: 'Always'
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>
    readonly limits?: Readonly<Record<string, number | string>>
    readonly claims?: readonly object[]
  }
  readonly envFrom?: readonly object[]
  readonly volumeMounts?: readonly VolumeMount[]
  readonly readinessProbe?: object
  readonly startupProbe?: object
  readonly livenessProbe?: object
  readonly lifecycle?: object
  readonly securityContext?: object
  readonly terminationMessagePolicy?: string
}

export interface Volume {
  readonly name: string
  readonly configMap?: object
  readonly ephemeral?: object
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean }
  readonly image?: { readonly reference: string; readonly pullPolicy?: string }
  readonly secret?: { readonly secretName?: string }
  readonly emptyDir?: object
  readonly hostPath?: object
  readonly csi?: object
  readonly downwardAPI?: object
}

export interface PodSpec {
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly Volume[]
  readonly nodeName?: string
  readonly schedulingGates?: readonly { readonly name: string }[]
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: readonly object[]
  readonly runtimeClassName?: string
  readonly resourceClaims?: readonly {
    readonly name: string
    readonly resourceClaimTemplateName: string
  }[]
  readonly restartPolicy?: string
  readonly terminationGracePeriodSeconds?: number
  readonly enableServiceLinks?: boolean
  readonly securityContext?: object
  readonly affinity?: object
  readonly topologySpreadConstraints?: readonly object[]
  readonly priorityClassName?: string
  readonly serviceAccountName?: string
  readonly schedulerName?: string
  readonly imagePullSecrets?: readonly { readonly name?: string }[]
}

export interface PodTemplate {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: PodSpec
}

interface StatusCondition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export interface WithConditions {
  readonly status?: { readonly conditions?: readonly StatusCondition[] }
}

export interface Termination {
  readonly exitCode: number
  readonly reason?: string
  readonly message?: string
  readonly containerID?: string
  readonly finishedAt?: string
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly running?: { readonly startedAt?: string }
  readonly terminated?: Termination
}

export interface ContainerStatus {
  readonly name: string
  readonly image?: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

export interface Pod extends Child {
  readonly spec?: PodSpec
  readonly status?: WithConditions['status'] & {
    readonly phase?: string
    readonly reason?: string
    readonly message?: string
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

export interface Job extends Child {
  readonly spec?: {
    readonly suspend?: boolean
    readonly activeDeadlineSeconds?: number
    readonly parallelism?: number
    readonly completions?: number
    readonly backoffLimit?: number
    readonly podReplacementPolicy?: string
    readonly podFailurePolicy?: object
    readonly template?: PodTemplate
  }
  readonly status?: WithConditions['status'] & {
    readonly active?: number
    readonly failed?: number
    readonly succeeded?: number
    readonly uncountedTerminatedPods?: { readonly succeeded?: readonly string[] }
    readonly terminating?: number
    readonly startTime?: string
  }
}

export interface DeploymentStrategy {
  readonly type?: string
  readonly rollingUpdate?: {
    readonly maxSurge: number | string
    readonly maxUnavailable: number | string
  }
}

/** A Deployment or a StatefulSet. */
export interface Workload extends Child {
  readonly spec?: {
    readonly replicas?: number
    readonly template?: PodTemplate
    readonly strategy?: DeploymentStrategy
    readonly updateStrategy?: object
    readonly progressDeadlineSeconds?: number
    readonly serviceName?: string
    readonly selector?: object
  }
  readonly status?: WithConditions['status'] & {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly updatedReplicas?: number
    readonly updateRevision?: string
  }
}

export interface Claim extends Child {
  readonly spec?: {
    readonly accessModes?: readonly string[]
    readonly storageClassName?: string
    readonly resources?: { readonly requests?: { readonly storage?: string } }
  }
  readonly status?: { readonly phase?: string }
}

export interface Node extends Child {
  readonly status?: WithConditions['status']
}

/** A Workload of Kueue: it decides when the Job or Pod that it names may run. */
export interface Admission extends Child {
  readonly status?: WithConditions['status'] & {
    readonly admissionChecks?: readonly {
      readonly name: string
      readonly state: string
      readonly message?: string
    }[]
  }
}

/** An Event of the API group v1. */
export interface Event extends Child {
  readonly involvedObject?: { readonly kind?: string; readonly uid?: string }
  readonly reason?: string
  readonly message?: string
  readonly lastTimestamp?: string
}
