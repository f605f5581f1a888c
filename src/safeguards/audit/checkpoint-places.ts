import { appendFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Egress } from '../../platform/egress/egress.js';
import { signedPut } from './aws-signature.js';

export type PushTarget = 'file' | 'webhook' | 's3';

/** A checkpoint that is to leave this installation. */
export interface PushedCheckpoint {
  tenantId: string;
  size: number;
  note: string;
}

interface Place {
  target: PushTarget;
  push(checkpoint: PushedCheckpoint): Promise<void>;
}

const PURPOSE = 'audit-checkpoint';
/** Objects of a log sort by their size. */
const SIZE_DIGITS = 16;

/** The places outside that checkpoints are pushed to, as the settings name them. */
@Injectable()
export class CheckpointPlaces {
  readonly all: readonly Place[];

  constructor(
    private readonly config: Config,
    private readonly egress: Egress,
  ) {
    this.all = [this.file(), this.webhook(), this.store()].filter((place) => place !== undefined);
  }

  /** A line for each, at the end of the file. */
  private file(): Place | undefined {
    const path = this.config.get('AUDIT_CHECKPOINT_FILE');
    if (path === undefined) return undefined;
    return { target: 'file', push: (checkpoint) => appendFile(path, `${jsonOf(checkpoint)}\n`, { mode: 0o600, flush: true }) };
  }

  private webhook(): Place | undefined {
    const [url, token] = [this.config.get('AUDIT_CHECKPOINT_WEBHOOK'), this.config.get('AUDIT_CHECKPOINT_WEBHOOK_TOKEN')];
    if (url === undefined) return undefined;
    const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    return { target: 'webhook', push: async (checkpoint) => accepted(await this.egress.request({ url, method: 'POST', headers, body: jsonOf(checkpoint), purpose: PURPOSE })) };
  }

  /** An object for each: `<prefix>/<tenant>/<size>.txt`. */
  private store(): Place | undefined {
    const [base, keyId, secret] = [this.config.get('AUDIT_CHECKPOINT_S3_URL'), this.config.get('AUDIT_CHECKPOINT_S3_KEY_ID'), this.config.get('AUDIT_CHECKPOINT_S3_SECRET')];
    if (base === undefined || keyId === undefined || secret === undefined) return undefined;
    const credentials = { keyId, secret, region: this.config.get('AUDIT_CHECKPOINT_S3_REGION') };
    return {
      target: 's3',
      push: async ({ tenantId, size, note }) => {
        const url = new URL(`${base.replace(/\/+$/, '')}/${tenantId}/${String(size).padStart(SIZE_DIGITS, '0')}.txt`);
        const headers = signedPut(url, note, credentials, new Date(), { 'content-type': 'text/plain; charset=utf-8' });
        accepted(await this.egress.request({ url, method: 'PUT', headers, body: note, purpose: PURPOSE }));
      },
    };
  }
}

const jsonOf = ({ tenantId, size, note }: PushedCheckpoint): string => JSON.stringify({ tenant_id: tenantId, size, checkpoint: note });

function accepted({ status }: { status: number }): void {
  if (status >= 300) throw new Error(`It was answered with status ${status}.`);
}
