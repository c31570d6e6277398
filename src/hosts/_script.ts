import { randomBytes } from 'node:crypto';

/** A script as it is sent, and what tells its own output from that of the login shell before it. */
export interface SentScript {
  readonly text: string;
  readonly marker: string;
}

export interface ScriptOutcome {
  /** False where no shell ever began to read the script. */
  readonly started: boolean;
  /** The script's own exit code; undefined where it was cut off. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Puts a script into parentheses: the shell has to have read all of it before it runs any of it, so that a connection that drops while the script
 * is being sent leaves nothing half done (half of `rm -rf /a/b` is `rm -rf /a`). Its commands cannot read the rest of it as their input. Lines before
 * and after mark where its output begins (banners and rc files print before that) and with which code it really ended.
 */
export function sendScript(script: string, input: 'no input' | 'with its input' = 'no input'): SentScript {
  const marker = `kubekeep-${randomBytes(6).toString('hex')}`;
  return { marker, text: `echo ${marker}; echo ${marker} >&2\n(\n:\n${script}\n)${input === 'no input' ? ' < /dev/null' : ''}\nkubekeep_exit=$?; echo "${marker} $kubekeep_exit" >&2; exit $kubekeep_exit\n` };
}

/** Reads what came back of a script. */
export function readOutcome(marker: string, stdout: string, stderr: string): ScriptOutcome {
  const [, ownStdout] = splitAt(stdout, `${marker}\n`);
  const [, afterBegin] = splitAt(stderr, `${marker}\n`);
  const end = afterBegin?.match(new RegExp(`${marker} (\\d+)\n`));
  return {
    started: ownStdout !== undefined || afterBegin !== undefined,
    exitCode: end?.[1] === undefined ? undefined : Number(end[1]),
    stdout: ownStdout ?? '',
    stderr: (end ? afterBegin?.slice(0, end.index) : afterBegin) ?? '',
  };
}

function splitAt(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
