import { Injectable } from '@nestjs/common';
import { parse, stringify } from 'uuid';
import { Keyring } from './keyring.js';
import { sealSalted, unseal, unsealSalted } from './sealing.js';
import { type SealedPlace, TenantCipher } from './tenant-cipher.js';

/** Form of the sealed bytes: this number, the key's id (16 bytes), then what `sealSalted` makes; `seal`, in the form before. */
const FORM = 2;
const FORM_BEFORE = 1;
const KEY_ID_END = 17;

const aboutOf = ({ tenantId, row }: SealedPlace): string => `${tenantId}\n${row}`;

/** Seals under the keyring's keys. */
@Injectable()
export class KeyringCipher extends TenantCipher {
  constructor(private readonly keyring: Keyring) {
    super();
  }

  async seal(place: SealedPlace, plaintext: string | Buffer): Promise<Buffer> {
    const key = await this.keyring.keyOf(place.tenantId, place.subject ?? { type: 'tenant', id: place.tenantId });
    const text = typeof plaintext === 'string' ? Buffer.from(plaintext, 'utf8') : plaintext;
    return Buffer.concat([Buffer.from([FORM]), parse(key.id), sealSalted(key.key, text, aboutOf(place))]);
  }

  async open(place: SealedPlace, sealed: Buffer): Promise<string> {
    const form = sealed[0];
    if (form !== FORM && form !== FORM_BEFORE) throw new Error('What is to be opened was not sealed here.');
    const key = await this.keyring.keyById(place.tenantId, stringify(sealed.subarray(1, KEY_ID_END)));
    return (form === FORM ? unsealSalted : unseal)(key, sealed.subarray(KEY_ID_END), aboutOf(place)).toString('utf8');
  }
}
