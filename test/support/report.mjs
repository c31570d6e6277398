import { relative } from 'node:path';
import { inspect } from 'node:util';

/**
 * Turns the events of Node's test runner into lines for people: a dot for each test that passed or, with `everyTest`, a line and word of what
 * is running; whatever failed in full as soon as it fails, and again at the end by name and the beginning of why, since of a long run often
 * only the end is kept.
 */
export function createReport({ folder, write, everyTest = false }) {
  const start = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const output = new Map();
  let dots = 0;
  /** What is running, by file. */
  const running = new Map();
  let reported;

  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const line = (text) => {
    write(`${dots > 0 ? '\n' : ''}${text}\n`);
    dots = 0;
  };
  const alive = everyTest
    ? setInterval(() => {
      for (const { title, since } of running.values()) line(`        … ${title} (${seconds(performance.now() - since)})`);
    }, 30_000)
    : undefined;

  const pass = (title, ms) => {
    counts.passed += 1;
    if (everyTest) return line(`      ✓ ${title} (${seconds(ms)})`);
    write('.');
    dots = (dots + 1) % 100;
    if (dots === 0) write('\n');
  };
  const fail = (title, details) => {
    counts.failed += 1;
    failures.push([`  ${title}`, ...details.trim().split('\n', 8).map((text) => `      ${text}`)].join('\n').trimEnd());
    line(`      ✗ ${title}`);
    if (details) line(details.trimEnd().replaceAll(/^(?=.)/gm, '          '));
  };

  const ended = (data, passed) => {
    const file = relative(folder, data.entryFile ?? data.file ?? '');
    // Files that run at the same time have their results one file after the other.
    if (everyTest && file !== reported) line(`  ${file}`);
    reported = file;
    const ofFile = data.nesting === 0 && data.name === data.file && data.entryFile === undefined;
    const title = ofFile ? file : `${file}: ${data.classname ? `${data.classname}: ` : ''}${data.name}`;
    if (data.details.type === 'suite' && (passed || data.details.error?.failureType === 'subtestsFailed')) return;
    if (data.skip !== undefined || data.todo !== undefined) {
      counts.skipped += 1;
      if (everyTest) line(`      - ${title}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
    } else if (!passed) {
      fail(title, `${explain(data.details.error)}\n${output.get(data.entryFile ?? data.file) ?? ''}`);
    } else if (ofFile) {
      fail(title, 'there is no test in this file');
    } else {
      pass(everyTest ? `${data.classname ? `${data.classname}: ` : ''}${data.name}` : title, data.details.duration_ms);
    }
  };

  return {
    fail,
    event({ type, data }) {
      if (type === 'test:dequeue' && everyTest) {
        const file = relative(folder, data.entryFile ?? data.file);
        running.set(file, { title: data.name === data.file ? file : `${file}: ${data.name}`, since: performance.now() });
      }
      if (type === 'test:stdout' || type === 'test:stderr') {
        // Enough to understand a failure; a test that prints without end does not fill the memory.
        const file = data.entryFile ?? data.file;
        output.set(file, `${output.get(file) ?? ''}${data.message}`.slice(-20_000));
      }
      if (type === 'test:complete' && data.nesting === 0) running.delete(relative(folder, data.entryFile ?? data.file));
      if (type === 'test:pass' || type === 'test:fail') ended(data, type === 'test:pass');
    },
    end() {
      clearInterval(alive);
      if (dots > 0) line('');
      if (failures.length > 0) line(`failed:\n${failures.join('\n')}`);
      line(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''} in ${seconds(performance.now() - start)}`);
      return counts;
    },
  };
}

/** What was thrown, without Node's wrapping and without Node's own frames. */
function explain(error) {
  const thrown = error?.failureType === 'testCodeFailure' ? error.cause : error;
  const text = thrown?.name === 'AssertionError' ? thrown.stack : inspect(thrown, { depth: 5, colors: false });
  return text.split('\n').filter((frame) => !/^\s+at .*\(?node:(internal|async_hooks)/.test(frame)).join('\n');
}
