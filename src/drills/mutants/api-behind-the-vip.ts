import { changed, replaceOnce, rewritten } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

const port = 8443;

/** As in many guides: the check script of keepalived asks the API. A balancer gives the VIP up because of what no other balancer has either. */
export const apiBehindTheVip: SetupMutant = {
  kind: 'set-up',
  id: 'M2',
  title: 'keepalived asks the API through HAProxy, and not HAProxy itself',
  fault: 'A6',
  caughtBy: 'C-calm',
  renderers: changed({
    haproxy: (design) => rewritten(design, design.check!.path, (text) => replaceOnce(text, '    default_backend api\n', `    bind 127.0.0.1:${port}\n    default_backend api\n`)),
    keepalived: (design) => rewritten(design, design.files.find(({ path }) => path.endsWith('lb-alive.sh'))!.path, asksTheApi),
  }),
};

function asksTheApi(text: string): string {
  return replaceOnce(text, /^alive\(\) \{\n(.*\n)*?\}$/m, `alive() {\n  curl -sfk --max-time 1 https://127.0.0.1:${port}/livez -o /dev/null\n}`);
}
