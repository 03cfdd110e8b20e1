// What the scripts have in common: standard input in, standard output out, an error as one line and exit code 1.

import { buffer } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

/**
 * Runs `transform(input, keyFile, flags)` on the bytes of standard input and writes what it returns.
 *
 * `options` are those of `parseArgs`; beside them the command line holds exactly one key file.
 */
export async function filter(options, transform) {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error('expected exactly one argument: the key file');
    const output = await transform(await buffer(process.stdin), positionals[0], values);
    process.stdout.write(output);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
