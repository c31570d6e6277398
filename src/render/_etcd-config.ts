/**
 * A configuration file of etcd. etcd ignores keys that it does not know without a word, so that a misspelt one is refused here, by the compiler. The
 * names are the json tags in embed/config.go of go.etcd.io/etcd/server/v3 3.7.3; 3.6 knows all of them. A test asks the programs themselves.
 */
export type EtcdConfig = { readonly [key in Key]?: Value } & { readonly [key in `${'client' | 'peer'}-transport-security`]: { readonly [key in TransportKey]?: Value } };

type Value = string | number | boolean | readonly string[];

type TransportKey =
  | 'allowed-cn' | 'allowed-hostname' | 'auto-tls' | 'cert-file' | 'client-cert-auth' | 'client-cert-file' | 'client-key-file' | 'key-file'
  | 'skip-client-san-verification' | 'trusted-ca-file';

type Key =
  | 'advertise-client-urls' | 'auth-token' | 'auth-token-ttl' | 'auto-compaction-mode' | 'auto-compaction-retention' | 'backend-batch-interval'
  | 'backend-batch-limit' | 'backend-bbolt-freelist-type' | 'bcrypt-cost' | 'bootstrap-defrag-threshold-megabytes' | 'cipher-suites'
  | 'compact-hash-check-time' | 'compaction-batch-limit' | 'compaction-sleep-interval' | 'corrupt-check-time' | 'cors' | 'data-dir'
  | 'discovery-config' | 'discovery-srv' | 'discovery-srv-name' | 'distributed-tracing-address' | 'distributed-tracing-instance-id'
  | 'distributed-tracing-sampling-rate' | 'distributed-tracing-service-name' | 'downgrade-check-time' | 'election-timeout'
  | 'enable-distributed-tracing' | 'enable-grpc-gateway' | 'enable-log-rotation' | 'enable-pprof' | 'feature-gates' | 'force-new-cluster'
  | 'grpc-additional-server-options' | 'grpc-keepalive-interval' | 'grpc-keepalive-min-time' | 'grpc-keepalive-timeout' | 'heartbeat-interval'
  | 'host-whitelist' | 'initial-advertise-peer-urls' | 'initial-cluster' | 'initial-cluster-state' | 'initial-cluster-token'
  | 'initial-election-tick-advance' | 'listen-client-http-urls' | 'listen-client-urls' | 'listen-metrics-urls' | 'listen-peer-urls' | 'log-format'
  | 'log-level' | 'log-outputs' | 'log-rotation-config-json' | 'logger' | 'max-concurrent-streams' | 'max-learners' | 'max-request-bytes'
  | 'max-snapshots' | 'max-txn-ops' | 'max-wals' | 'memory-mlock' | 'metrics' | 'name' | 'pre-vote' | 'quota-backend-bytes'
  | 'self-signed-cert-validity' | 'snapshot-catchup-entries' | 'snapshot-count' | 'socket-options' | 'strict-reconfig-check' | 'tls-max-version'
  | 'tls-min-version' | 'unsafe-no-fsync' | 'v2-deprecation' | 'wal-dir' | 'warning-apply-duration' | 'warning-unary-request-duration'
  | 'watch-progress-notify-interval';
