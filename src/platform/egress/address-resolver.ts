import { lookup } from 'node:dns/promises';
import { Injectable } from '@nestjs/common';

/** Asks the machine's resolver (files, DNS) for all addresses of a name. */
@Injectable()
export class AddressResolver {
  async addressesOf(name: string): Promise<string[]> {
    return (await lookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);
  }
}
