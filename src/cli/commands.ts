import type { AddCommand } from './add-command.ts';
import { addPrograms } from './commands/programs.ts';

/** The table of contents of the program. */
export const commands: readonly AddCommand[] = [addPrograms];

// Commands import this type from add-command.ts; this line goes when the last one does.
export type { AddCommand };
