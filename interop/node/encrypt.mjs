// encrypt.mjs PUBLIC_KEY.asc [--hidden]: encrypts standard input with upstream OpenPGP.js, to an armored message.
// `--hidden` leaves out for whom it is (wildcard key ID).

import { readFile } from 'node:fs/promises';
import * as openpgp from 'openpgp';
import { filter } from './filter.mjs';

await filter({ hidden: { type: 'boolean' } }, async (input, keyFile, { hidden }) =>
  openpgp.encrypt({
    message: await openpgp.createMessage({ binary: input }),
    encryptionKeys: await openpgp.readKey({ armoredKey: await readFile(keyFile, 'utf8') }),
    wildcard: hidden,
  }));
