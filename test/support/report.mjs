import { relative } from 'node:path';
import { inspect } from 'node:util';

/**
 * Turns the events of Node's test runner into lines for people: a dot for each test that passed or, with `everyTest`, a line and word of what
 * is running; whatever failed in full as soon as it fails, and again at the end by name and the beginning of why, since of a long run often
 * only the end is kept. Of a file that is run `again`, the second run counts, and what the first one missed is said at the end too.
 */
export function createReport({ folder, write, everyTest = false }) {
  const start = performance.now();
  /** What counts, by file; what belongs to none has an empty name. */
  const results = new Map();
  const firstRuns = new Map();
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

  const resultOf = (file) => results.get(file) ?? results.set(file, { passed: 0, skipped: 0, failures: [] }).get(file);
  const pass = (file, title, ms) => {
    resultOf(file).passed += 1;
    if (everyTest) return line(`      ✓ ${title} (${seconds(ms)})`);
    write('.');
    dots = (dots + 1) % 100;
    if (dots === 0) write('\n');
  };
  const fail = (file, title, details) => {
    resultOf(file).failures.push([`  ${title}`, ...details.trim().split('\n', 8).map((text) => `      ${text}`)].join('\n').trimEnd());
    line(`      ✗ ${title}`);
    if (details) line(details.trimEnd().replaceAll(/^(?=.)/gm, '          '));
  };

  const ended = (data, passed) => {
    const path = data.entryFile ?? data.file ?? '';
    const file = relative(folder, path);
    // Files that run at the same time have their results one file after the other.
    if (everyTest && file !== reported) line(`  ${file}`);
    reported = file;
    const ofFile = data.nesting === 0 && data.name === data.file && data.entryFile === undefined;
    const title = ofFile ? file : `${file}: ${data.classname ? `${data.classname}: ` : ''}${data.name}`;
    if (data.details.type === 'suite' && (passed || data.details.error?.failureType === 'subtestsFailed')) return;
    if (data.skip !== undefined || data.todo !== undefined) {
      resultOf(path).skipped += 1;
      if (everyTest) line(`      - ${title}${typeof data.skip === 'string' ? ` (${data.skip})` : ''}`);
    } else if (!passed) {
      fail(path, title, `${explain(data.details.error)}\n${output.get(path) ?? ''}`);
    } else if (ofFile) {
      fail(path, title, 'there is no test in this file');
    } else {
      pass(path, everyTest ? `${data.classname ? `${data.classname}: ` : ''}${data.name}` : title, data.details.duration_ms);
    }
  };

  return {
    fail: (title, details) => fail('', title, details),
    failedFiles: () => [...results].flatMap(([file, { failures }]) => (file !== '' && failures.length > 0 ? [file] : [])),
    again(file) {
      line(`  ${relative(folder, file)} is run once more`);
      firstRuns.set(file, results.get(file));
      results.delete(file);
      output.delete(file);
    },
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
      const all = [...results.values()];
      const failures = all.flatMap((result) => result.failures);
      const recovered = [...firstRuns].flatMap(([file, first]) => (results.get(file)?.failures.length === 0 ? first.failures : []));
      const counts = { passed: sum(all, ({ passed }) => passed), failed: failures.length, skipped: sum(all, ({ skipped }) => skipped) };
      if (recovered.length > 0) line(`failed at first, passed when the file was run once more:\n${recovered.join('\n')}`);
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

function sum(results, of) {
  return results.reduce((total, result) => total + of(result), 0);
}
