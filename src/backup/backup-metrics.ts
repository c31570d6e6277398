import { Gauge, Registry } from 'prom-client';
import type { BackupHealth } from './backup-health.ts';

/** The health of backups in Prometheus' text format; times are in seconds since 1970. What is not known has no value. */
export async function backupMetrics({ newest, base, rehearsed, problems }: BackupHealth, { cluster, now, leads }: { readonly cluster: string; /** ms */ readonly now: number; /** Of a follower: whether it wrote the newest piece of the log. */ readonly leads?: boolean | undefined }): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ cluster });
  const gauge = (name: string, help: string, value: number | undefined) => {
    if (value !== undefined) new Gauge({ name: `kubekeep_backup_${name}`, help, registers: [registry] }).set(value);
  };
  gauge('newest_timestamp_seconds', 'When the newest point was captured that can be given back.', newest && newest.time / 1000);
  gauge('newest_revision', 'Revision of etcd at that point.', newest?.revision);
  gauge('base_timestamp_seconds', 'When the newest base was taken.', base && base.time / 1000);
  gauge('base_hash_checked', '1 where another member than its own has the same data as the newest base.', base && Number(base.hashChecked));
  gauge('base_bytes', 'Size of the file of etcd that the newest base holds.', base?.length);
  gauge('rehearsed_timestamp_seconds', 'When a point was last replayed that held.', rehearsed && rehearsed / 1000);
  gauge('problems', 'How many things backup check finds wrong.', problems.length);
  gauge('leads', '1 where this follower wrote the newest piece of the log.', leads === undefined ? undefined : Number(leads));
  gauge('looked_timestamp_seconds', 'When this was found out: an old one means that nobody looks.', now / 1000);
  return registry.metrics();
}
