// Makes a lab and stays: a process for tests to kill. Its one argument is JSON: { name, directory, image, runtimeFolder, machines }.
import { createLab } from '../../src/lab/create-lab.ts';
import { silent } from '../../src/lib/progress.ts';

const options = JSON.parse(process.argv[2]!) as { name: string; directory: string; image: string; runtimeFolder: string; machines: { name: string }[] };
process.stdout.write('begins\n');
await createLab({ ...options, progress: silent });
process.stdout.write('up\n');
setInterval(() => {}, 1000);
