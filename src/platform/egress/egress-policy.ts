import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Problem } from '../../core/problem.js';
import { Config } from '../config/config.js';
import { LOOPBACK_RANGES } from '../networks/loopback.js';
import { AddressResolver } from './address-resolver.js';
import { isPublicAddress, isWithin, plainAddress, blockListOf } from './addresses.js';

/** Where requests may go: to public addresses, and to what `EGRESS_ALLOW` names. */
@Injectable()
export class EgressPolicy {
  private readonly names: ReadonlySet<string>;
  private readonly ranges: ReturnType<typeof blockListOf>;
  private only: string | undefined;
  private readonly own: URL | undefined;

  constructor(
    private readonly config: Config,
    private readonly resolver: AddressResolver,
    private readonly http: HttpAdapterHost,
  ) {
    const publicUrl = config.get('PUBLIC_URL');
    this.own = publicUrl === undefined ? undefined : new URL(publicUrl);
    const entries = config.get('EGRESS_ALLOW');
    const isRange = (entry: string): boolean => isIP(entry.split('/', 1)[0] ?? '') !== 0;
    this.names = new Set(entries.filter((entry) => !isRange(entry)).map((name) => name.toLowerCase()));
    this.ranges = blockListOf(entries.filter(isRange));
  }

  /** One by which requests may go to a single host, wherever that is. */
  onlyTo(hostname: string): EgressPolicy {
    const policy = new EgressPolicy(this.config, this.resolver, this.http);
    policy.only = hostOf(hostname).toLowerCase();
    return policy;
  }

  /**
   * Checks what a request is about before anything of it leaves, as far as the address itself says it.
   * @throws Problem `egress_refused`
   */
  checkUrl(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused('Only http and https addresses are called.');
    if (url.username !== '' || url.password !== '') throw refused('An address with a user name or a password in it is not called.');
    const host = hostOf(url.hostname);
    if (isIP(host) !== 0) this.check(host, [host], portOf(url));
  }

  /**
   * Resolves a host, once. Each address must be allowed: one that is not says that the name is not meant for us.
   * @returns the addresses to connect to
   * @throws Problem `egress_refused`, `egress_failed`
   */
  async resolve(hostname: string, port: number): Promise<string[]> {
    const host = hostOf(hostname);
    const addresses = isIP(host) === 0 ? await this.lookUp(host) : [host];
    if (addresses.length === 0) throw new Problem('egress_failed', { detail: 'The name of the host has no address.' });
    this.check(host, addresses, port);
    return addresses;
  }

  /** @throws Problem `egress_refused` */
  check(host: string, addresses: readonly string[], port: number): void {
    const name = host.toLowerCase().replace(/\.$/, '');
    if (this.only !== undefined && name !== this.only) throw refused('That is another host.');
    if (this.own && port === portOf(this.own) && name === hostOf(this.own.hostname).toLowerCase().replace(/\.$/, '')) throw refused('That is the address of this installation.');
    const named = this.only !== undefined || this.names.has(name);
    for (const address of addresses) {
      if (this.isOwnListener(address, port)) throw refused('That is the address of this installation.');
      if (!named && !isWithin(this.ranges, address) && (!isPublicAddress(address) || isOfThisMachine(address)))
        throw refused('The host is on a private or reserved network.');
    }
  }

  private async lookUp(name: string): Promise<string[]> {
    try {
      return await this.resolver.addressesOf(name);
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      throw new Problem('egress_failed', { detail: 'The name of the host cannot be resolved.' });
    }
  }

  /** No setting opens the plane to itself: what it asks of itself it would ask with its own network's rights. */
  private isOwnListener(address: string, port: number): boolean {
    const server = this.http.httpAdapter?.getHttpServer() as { address?: () => AddressInfo | string | null } | undefined;
    const own = server?.address?.();
    return typeof own === 'object' && own?.port === port && (isOfThisMachine(address) || plainAddress(address) === plainAddress(own.address));
  }
}

export const portOf = (url: URL): number => (url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port));

const hostOf = (hostname: string): string => (hostname.startsWith('[') ? hostname.slice(1, -1) : hostname);

/** Connecting to an unspecified address reaches this machine, too. */
const here = blockListOf([...LOOPBACK_RANGES, '0.0.0.0/8', '::/128']);

function isOfThisMachine(address: string): boolean {
  if (isWithin(here, address)) return true;
  const plain = plainAddress(address);
  return Object.values(networkInterfaces()).some((list) => list?.some((own) => plainAddress(own.address) === plain));
}

function refused(detail: string): Problem {
  return new Problem('egress_refused', { detail });
}
