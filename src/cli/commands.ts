import type { AddCommand } from './add-command.ts';

/** The table of contents of the program. A command is loaded when it is asked for: `validate` need not wait for the parts that speak to hosts. */
export const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./commands/init.ts')).addInit,
  validate: async () => (await import('./commands/validate.ts')).addValidate,
  hosts: async () => (await import('./commands/hosts.ts')).addHosts,
  plan: async () => (await import('./commands/plan.ts')).addPlan,
  apply: async () => (await import('./commands/apply.ts')).addApply,
  status: async () => (await import('./commands/status.ts')).addStatus,
  steer: async () => (await import('./commands/steer.ts')).addSteer,
  lb: async () => (await import('./commands/lb.ts')).addLb,
  kubeconfig: async () => (await import('./commands/kubeconfig.ts')).addKubeconfig,
  'join-command': async () => (await import('./commands/join-command.ts')).addJoinCommand,
  kubectl: async () => (await import('./commands/kubectl.ts')).addKubectl,
  backup: async () => (await import('./commands/backup.ts')).addBackup,
  restore: async () => (await import('./commands/restore.ts')).addRestore,
  objects: async () => (await import('./commands/objects.ts')).addObjects,
  at: async () => (await import('./commands/at.ts')).addAt,
  bisect: async () => (await import('./commands/bisect.ts')).addBisect,
  render: async () => (await import('./commands/render.ts')).addRender,
  manifests: async () => (await import('./commands/manifests.ts')).addManifests,
  destroy: async () => (await import('./commands/destroy.ts')).addDestroy,
  programs: async () => (await import('./commands/programs.ts')).addPrograms,
  lab: async () => (await import('./commands/lab.ts')).addLab,
  drill: async () => (await import('./commands/drill.ts')).addDrill,
  demo: async () => (await import('./commands/demo.ts')).addDemo,
};
