// decrypt.mjs SECRET_KEY.asc [--no-opt-in] [--password PASSWORD]: decrypts the armored message on standard input with
// Proton's OpenPGP.js. `--no-opt-in` leaves out the setting that lets it use a forwardee's key.

import { readFile } from 'node:fs/promises';
import * as openpgp from '@protontech/openpgp';
import { filter } from './filter.mjs';

const options = { 'no-opt-in': { type: 'boolean' }, password: { type: 'string' } };

await filter(options, async (input, keyFile, { 'no-opt-in': noOptIn, password }) => {
  const config = noOptIn ? {} : { allowForwardedMessages: true };
  let key = await openpgp.readPrivateKey({ armoredKey: await readFile(keyFile, 'utf8') });
  if (!key.isDecrypted()) key = await openpgp.decryptKey({ privateKey: key, passphrase: password });
  const message = await openpgp.readMessage({ armoredMessage: input.toString() });
  const { data } = await openpgp.decrypt({ message, decryptionKeys: key, format: 'binary', config });
  return data;
});
