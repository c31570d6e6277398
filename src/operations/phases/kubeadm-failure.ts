/** Why kubeadm failed, in its own words: of all that it has said on standard error, the error without the names of phases before it. */
export function kubeadmFailure(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !/^\[?WARNING|^W\d{4} |^To see the stack trace/i.test(line));
  const error = lines.find((line) => /^error/i.test(line));
  return error?.replace(/^(error:? *(execution phase [\w/-]+: *)?)+/i, '') ?? lines.at(-1) ?? 'it ended without a word';
}
