// Runs a script on a host and prints the result, or the error, as JSON: node run-on-host.ts '{"target":…,"options":…,"script":…}'.
import { sshHost } from '../../src/hosts/ssh.ts';

const { target, options, script } = JSON.parse(process.argv[2]!) as { target: Parameters<typeof sshHost>[0]; options: Parameters<typeof sshHost>[1]; script: string };
const host = sshHost(target, options);
const said = await host.run(script).catch((error: Error & { code: string }) => ({ code: error.code, message: error.message }));
await host.close();
process.stdout.write(JSON.stringify(said));
