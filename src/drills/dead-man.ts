import { quote } from '../hosts/quote.ts';
import type { Fault } from './faults/fault.ts';
import type { Stage } from './stage.ts';

const unit = 'kubekeep-drill-undo';

/**
 * Seconds from the arming to when a host undoes a fault by itself: what the fault takes, and time in which kubekeep, slow as its computer may be, does it
 * first. A lab's computer may be starved, and nobody is hurt there; elsewhere every second counts.
 */
export function undoneAfter({ seconds }: Pick<Fault, 'seconds'>, { lab }: Pick<Stage, 'lab'>): number {
  return Math.ceil(seconds) + (lab ? 90 : 30);
}

/**
 * A script that makes a host run `undo` by itself after so many seconds, with nobody there. What an earlier drill left armed is run first, lest it be
 * forgotten. A timer is a minute late unless told otherwise; it does not outlive the power, nor does what it would undo.
 */
export function armScript(undo: string, seconds: number): string {
  return `! systemctl --quiet is-active ${unit}.timer || systemctl start ${unit}.service
${disarmScript}
systemd-run --quiet --collect --on-active=${seconds} --timer-property=AccuracySec=1s --service-type=oneshot --unit=${unit} sh -c ${quote(undo)}`;
}

/** May run twice, and where nothing is armed. */
export const disarmScript = `systemctl stop ${unit}.timer 2>/dev/null || :`;
