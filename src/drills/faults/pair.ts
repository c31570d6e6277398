import type { Stage } from '../stage.ts';
import { allowanceOfBoth } from './allowance.ts';
import type { Aim, Fault } from './fault.ts';

/** Two faults that overlap: the second begins up to 2 s after the first, by the stage's draw. */
function pair(first: Fault, second: Fault): Fault {
  return {
    id: `${first.id}+${second.id}`,
    title: `${first.title}; and ${second.title}`,
    component: first.component,
    needs: `${first.needs}; ${second.needs}`,
    labOnly: 'is two faults at once',
    seconds: Math.max(first.seconds, second.seconds),
    ...allowanceOfBoth(first, second),
    obstacle: (cluster, lab) => first.obstacle(cluster, lab) ?? second.obstacle(cluster, lab),
    async aim(stage: Stage): Promise<Aim> {
      const aims = [await first.aim(stage), await second.aim(stage)] as const;
      const apart = Math.round(stage.draw() * 2000);
      return {
        about: `${aims[0].about}; ${(apart / 1000).toFixed(1)} s later ${aims[1].about}`,
        hosts: [...new Set(aims.flatMap(({ hosts }) => hosts))],
        dark: [...new Set(aims.flatMap(({ dark = [] }) => dark))],
        deadMan: merged(aims),
        undoneLast: aims.some(({ undoneLast }) => undoneLast),
        async inject() {
          await aims[0].inject();
          await stage.operation.clock.sleep(apart, stage.operation.signal);
          // A host that the first fault took away cannot be asked to do the second.
          await aims[1].inject().catch((caught: unknown) => {
            if (!aims[0].hosts.some((host) => aims[1].hosts.includes(host))) throw caught;
          });
          await undoMomentary([[first, aims[0]], [second, aims[1]]], stage);
        },
        async undo() {
          // The host must be there again before anything on it can be undone, and all else undone before an apply.
          await undoAll(aims.toSorted((a, b) => turn(a) - turn(b)));
        },
      };
    },
  };
}

/** One that is over within a second is over then, however long the other one lasts. What fails is tried again when both are undone. */
async function undoMomentary(pairs: readonly (readonly [Fault, Aim])[], { operation: { clock, signal } }: Stage): Promise<void> {
  for (const [{ seconds }, aim] of pairs) {
    if (seconds === 0 || seconds >= 1) continue;
    await clock.sleep(seconds * 1000, signal);
    await aim.undo().catch(() => {});
  }
}

function turn({ dark = [], undoneLast = false }: Aim): number {
  return undoneLast ? 2 : dark.length > 0 ? 0 : 1;
}

/** One that cannot be undone must not keep the other in. Throws what went wrong first. */
async function undoAll(aims: readonly Aim[]): Promise<void> {
  const failures: unknown[] = [];
  for (const aim of aims) await aim.undo().catch((caught: unknown) => failures.push(caught));
  if (failures.length > 0) throw failures[0];
}

function merged(aims: readonly Aim[]): ReadonlyMap<string, string> {
  const hosts = [...new Set(aims.flatMap(({ deadMan }) => [...(deadMan?.keys() ?? [])]))];
  return new Map(hosts.map((host) => [host, aims.flatMap(({ deadMan }) => deadMan?.get(host) ?? []).join('; ')]));
}

/** `count` pairs of different faults of those that can be done, the same for the same seed. Planned work is no fault and is left out, and so is what cannot overlap. */
export function drawPairs(faults: readonly Fault[], count: number, draw: () => number): Fault[] {
  const able = faults.filter(({ planned, alone }) => !planned && !alone);
  const pick = (from: readonly Fault[]) => from[Math.floor(draw() * from.length)]!;
  return Array.from({ length: count }, () => {
    const first = pick(able);
    return pair(first, pick(able.filter((fault) => fault !== first)));
  });
}
