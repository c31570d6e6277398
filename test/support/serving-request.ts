import type { PendingRequest } from '../../src/operations/facts.ts';

/** What the kubelet of w2 asks for, with the names DNS:w2 and IP:10.0.0.13. */
export const servingRequest: PendingRequest = {
  name: 'csr-1',
  node: 'w2',
  user: 'system:node:w2',
  groups: ['system:nodes'],
  usages: ['digital signature', 'server auth'],
  pem: `-----BEGIN CERTIFICATE REQUEST-----
MIIBETCBuAIBADAwMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxFzAVBgNVBAMMDnN5
c3RlbTpub2RlOncyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElOsR+Jy3zmII
krMrBVvX4naLxLLtch9uCbeoaJW21qt2FLtlCXkbB1M6WPbfyJBRBKQplkUsKvGf
0h/HLdNnaqAmMCQGCSqGSIb3DQEJDjEXMBUwEwYDVR0RBAwwCoICdzKHBAoAAA0w
CgYIKoZIzj0EAwIDSAAwRQIhAJDslWJzq8sLx819DzkhijPtolgUAAtpcDLbNLML
kPfnAiBjj+JZmMJ8nNlw4TnoEqkRyFtv5djl30A/yuVnsqcHhg==
-----END CERTIFICATE REQUEST-----
`,
};
