/** A server as `show servers state` has it: what it is told to be, and what its checks say. */
export interface ServerState {
  readonly backend: string;
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** Where its checks ask, 0 where that is its own port. */
  readonly checkPort: number;
  /** As it was set, without a slow start. */
  readonly weight: number;
  readonly state: 'ready' | 'drain' | 'maint';
  /** Its checks say that it serves, or nobody asks. */
  readonly up: boolean;
}

/** Bits of the column `srv_admin_state`: maintenance, now, by the socket or the configuration, by another server that is followed, by a name that is not resolved; and draining by the socket or by another server. */
const maintenance = 0x01 | 0x02 | 0x20;
const draining = 0x08 | 0x10;

/** Reads the answer, finding columns by their names. */
export function parseServersState(answer: string): readonly ServerState[] {
  const lines = answer.split('\n');
  const columns = lines.find((line) => line.startsWith('# '))?.slice(2).split(' ') ?? [];
  return lines.filter((line) => /^\d+ /.test(line)).map((line) => {
    const values = line.split(' ');
    const value = (column: string) => values[columns.indexOf(column)] ?? '';
    const admin = Number(value('srv_admin_state'));
    return {
      backend: value('be_name'),
      server: value('srv_name'),
      address: value('srv_addr'),
      port: Number(value('srv_port')),
      checkPort: Number(value('srv_check_port')),
      weight: Number(value('srv_uweight')),
      up: value('srv_op_state') !== '0',
      state: (admin & maintenance) !== 0 ? 'maint' : (admin & draining) !== 0 ? 'drain' : 'ready',
    };
  });
}
