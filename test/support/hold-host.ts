// A process that holds a connection to a host and a command on it until it is killed: node hold-host.ts '{"target":…,"options":…}'.
import { sshHost } from '../../src/hosts/ssh.ts';

const { target, options } = JSON.parse(process.argv[2]!) as { target: Parameters<typeof sshHost>[0]; options: Parameters<typeof sshHost>[1] };
const host = sshHost(target, options);
await host.forward({ port: 22 });
const held = host.run('sleep 100');
setTimeout(() => process.stdout.write('held\n'), 500);
await held;
