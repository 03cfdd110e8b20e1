// encrypt-v6.mjs PUBLIC_KEY.asc: encrypts standard input with Proton's OpenPGP.js, to an armored message of a
// v6 PKESK and a v2 SEIPD packet.

import { readFile } from 'node:fs/promises';
import * as openpgp from '@protontech/openpgp';
import { filter } from './filter.mjs';

await filter({}, async (input, keyFile) => {
  const encryptionKeys = await openpgp.readKey({ armoredKey: await readFile(keyFile, 'utf8') });
  const sessionKey = await openpgp.generateSessionKey({ encryptionKeys });
  // The v4 keys of the tests don't announce that they read v2 SEIPD. An AEAD algorithm here has it made all the same.
  sessionKey.aeadAlgorithm = openpgp.enums.aead.gcm;
  return openpgp.encrypt({ message: await openpgp.createMessage({ binary: input }), encryptionKeys, sessionKey });
});
