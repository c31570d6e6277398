/** What kubectl can name: a kind of object, and where etcd has it. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  /** Plural, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly custom: boolean;
}

/** Kinds that Kubernetes itself stores, with the names that its API server gives them. */
export const builtInResources: readonly Resource[] = ([
  ['', 'configmaps', 'ConfigMap', 'ns', 'cm'],
  ['', 'endpoints', 'Endpoints', 'ns', 'ep'],
  ['', 'events', 'Event', 'ns', 'ev'],
  ['', 'limitranges', 'LimitRange', 'ns', 'limits'],
  ['', 'namespaces', 'Namespace', '-', 'ns'],
  ['', 'nodes', 'Node', '-', 'no'],
  ['', 'persistentvolumeclaims', 'PersistentVolumeClaim', 'ns', 'pvc'],
  ['', 'persistentvolumes', 'PersistentVolume', '-', 'pv'],
  ['', 'pods', 'Pod', 'ns', 'po'],
  ['', 'podtemplates', 'PodTemplate', 'ns', ''],
  ['', 'replicationcontrollers', 'ReplicationController', 'ns', 'rc'],
  ['', 'resourcequotas', 'ResourceQuota', 'ns', 'quota'],
  ['', 'secrets', 'Secret', 'ns', ''],
  ['', 'serviceaccounts', 'ServiceAccount', 'ns', 'sa'],
  ['', 'services', 'Service', 'ns', 'svc'],
  ['admissionregistration.k8s.io', 'mutatingadmissionpolicies', 'MutatingAdmissionPolicy', '-', ''],
  ['admissionregistration.k8s.io', 'mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding', '-', ''],
  ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', '-', ''],
  ['admissionregistration.k8s.io', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy', '-', ''],
  ['admissionregistration.k8s.io', 'validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', '-', ''],
  ['admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', '-', ''],
  ['apiextensions.k8s.io', 'customresourcedefinitions', 'CustomResourceDefinition', '-', 'crd crds'],
  ['apiregistration.k8s.io', 'apiservices', 'APIService', '-', ''],
  ['apps', 'controllerrevisions', 'ControllerRevision', 'ns', ''],
  ['apps', 'daemonsets', 'DaemonSet', 'ns', 'ds'],
  ['apps', 'deployments', 'Deployment', 'ns', 'deploy'],
  ['apps', 'replicasets', 'ReplicaSet', 'ns', 'rs'],
  ['apps', 'statefulsets', 'StatefulSet', 'ns', 'sts'],
  ['autoscaling', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'ns', 'hpa'],
  ['batch', 'cronjobs', 'CronJob', 'ns', 'cj'],
  ['batch', 'jobs', 'Job', 'ns', ''],
  ['certificates.k8s.io', 'certificatesigningrequests', 'CertificateSigningRequest', '-', 'csr'],
  ['certificates.k8s.io', 'clustertrustbundles', 'ClusterTrustBundle', '-', ''],
  ['certificates.k8s.io', 'podcertificaterequests', 'PodCertificateRequest', 'ns', ''],
  ['coordination.k8s.io', 'leases', 'Lease', 'ns', ''],
  ['discovery.k8s.io', 'endpointslices', 'EndpointSlice', 'ns', ''],
  ['flowcontrol.apiserver.k8s.io', 'flowschemas', 'FlowSchema', '-', ''],
  ['flowcontrol.apiserver.k8s.io', 'prioritylevelconfigurations', 'PriorityLevelConfiguration', '-', ''],
  ['networking.k8s.io', 'ingressclasses', 'IngressClass', '-', ''],
  ['networking.k8s.io', 'ingresses', 'Ingress', 'ns', 'ing'],
  ['networking.k8s.io', 'ipaddresses', 'IPAddress', '-', 'ip'],
  ['networking.k8s.io', 'networkpolicies', 'NetworkPolicy', 'ns', 'netpol'],
  ['networking.k8s.io', 'servicecidrs', 'ServiceCIDR', '-', ''],
  ['node.k8s.io', 'runtimeclasses', 'RuntimeClass', '-', ''],
  ['policy', 'poddisruptionbudgets', 'PodDisruptionBudget', 'ns', 'pdb'],
  ['rbac.authorization.k8s.io', 'clusterrolebindings', 'ClusterRoleBinding', '-', ''],
  ['rbac.authorization.k8s.io', 'clusterroles', 'ClusterRole', '-', ''],
  ['rbac.authorization.k8s.io', 'rolebindings', 'RoleBinding', 'ns', ''],
  ['rbac.authorization.k8s.io', 'roles', 'Role', 'ns', ''],
  ['resource.k8s.io', 'deviceclasses', 'DeviceClass', '-', ''],
  ['resource.k8s.io', 'devicetaintrules', 'DeviceTaintRule', '-', ''],
  ['resource.k8s.io', 'resourceclaims', 'ResourceClaim', 'ns', ''],
  ['resource.k8s.io', 'resourceclaimtemplates', 'ResourceClaimTemplate', 'ns', ''],
  ['resource.k8s.io', 'resourceslices', 'ResourceSlice', '-', ''],
  ['scheduling.k8s.io', 'priorityclasses', 'PriorityClass', '-', 'pc'],
  ['storage.k8s.io', 'csidrivers', 'CSIDriver', '-', ''],
  ['storage.k8s.io', 'csinodes', 'CSINode', '-', ''],
  ['storage.k8s.io', 'csistoragecapacities', 'CSIStorageCapacity', 'ns', ''],
  ['storage.k8s.io', 'storageclasses', 'StorageClass', '-', 'sc'],
  ['storage.k8s.io', 'volumeattachments', 'VolumeAttachment', '-', ''],
  ['storage.k8s.io', 'volumeattributesclasses', 'VolumeAttributesClass', '-', 'vac'],
  ['storagemigration.k8s.io', 'storageversionmigrations', 'StorageVersionMigration', '-', ''],
] as const).map(([group, resource, kind, scope, short]) => ({ group, resource, kind, namespaced: scope === 'ns', shortNames: short === '' ? [] : short.split(' '), custom: false }));
