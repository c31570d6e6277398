import type { Host } from '../../hosts/host.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ClockOffset } from './seen-hosts.ts';

/** The host's clock against this computer's, from the quickest of a few round trips: the true offset is within half a round trip of it. */
export async function measureClock(host: Host, clock: Clock, signal: AbortSignal): Promise<ClockOffset> {
  let best: ClockOffset = { offset: 0, uncertainty: Infinity };
  for (let turn = 0; turn < 3 && best.uncertainty > 100; turn += 1) {
    const sent = clock.now();
    const start = clock.monotonic();
    const { stdout } = await host.run('date +%s%3N', { signal, timeout: 5000 });
    const trip = clock.monotonic() - start;
    const offset = Number(stdout.trim()) - (sent + trip / 2);
    if (stdout.trim() !== '' && Number.isFinite(offset) && trip / 2 < best.uncertainty) best = { offset, uncertainty: trip / 2 };
  }
  return best;
}
