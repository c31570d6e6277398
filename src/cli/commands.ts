import type { AddCommand } from './add-command.ts';
import { addApply } from './commands/apply.ts';
import { addDemo } from './commands/demo.ts';
import { addDestroy } from './commands/destroy.ts';
import { addInit } from './commands/init.ts';
import { addKubeconfig } from './commands/kubeconfig.ts';
import { addKubectl } from './commands/kubectl.ts';
import { addLab } from './commands/lab.ts';
import { addPlan } from './commands/plan.ts';
import { addPrograms } from './commands/programs.ts';
import { addRender } from './commands/render.ts';
import { addStatus } from './commands/status.ts';
import { addValidate } from './commands/validate.ts';

/** The table of contents of the program. */
export const commands: readonly AddCommand[] = [addInit, addValidate, addPlan, addApply, addStatus, addKubeconfig, addKubectl, addRender, addDestroy, addPrograms, addLab, addDemo];
