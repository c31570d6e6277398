import { KubekeepError } from '../lib/errors.ts';
import { reachable, type ClusterFacts } from './facts.ts';

/** Milliseconds; looking at all hosts may take twenty seconds of them. */
const largestDifference = 300_000;

/** A certificate made by a clock that is ahead is not valid yet where it is used. Throws `host-unfit` where a host's clock is more than five minutes away from this computer's. */
export function refuseWrongClock({ hosts, observedAt }: Pick<ClusterFacts, 'hosts' | 'observedAt'>): void {
  const wrong = [...hosts].flatMap(([name, facts]) => (reachable(facts) && Math.abs(facts.clock - observedAt) > largestDifference ? [`${name}'s is ${difference(facts.clock - observedAt)}`] : []));
  if (wrong.length === 0) return;
  throw new KubekeepError('host-unfit', `this computer's clock and the hosts' differ (${wrong.join(', ')}): certificates made now would not be valid there`, { hint: 'Set the wrong ones by NTP (apt-get install -y chrony), then run kubekeep apply again. Nothing was changed.' });
}

function difference(milliseconds: number): string {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  const [count, unit] = minutes < 120 ? [minutes, 'minutes'] : minutes < 2 * 1440 ? [Math.round(minutes / 60), 'hours'] : [Math.round(minutes / 1440), 'days'];
  return `${count} ${unit} ${milliseconds > 0 ? 'ahead' : 'behind'}`;
}
