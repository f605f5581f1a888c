import { Global, Module, type Provider } from '@nestjs/common';
import { Config } from '../config/config.js';
import { Egress } from '../egress/egress.js';
import { EgressModule } from '../egress/egress.module.js';
import { Keyring } from './keyring.js';
import { KeyringCipher } from './keyring-cipher.js';
import { kmsMasterKey, KmsMasterKeys } from './kms-master-keys.js';
import { LocalMasterKeys, MasterKeyProvider, MasterKeys } from './master-keys.js';
import { TenantCipher } from './tenant-cipher.js';
import { TenantKeysRepository } from './tenant-keys.repository.js';

/** A key service when one is named, else the keys that this process holds by itself. */
function providerOf(config: Config, egress: Egress, local: LocalMasterKeys): MasterKeyProvider {
  const key = kmsMasterKey(config, egress);
  return key ? new KmsMasterKeys(key, local) : local;
}

/** What it takes to seal, where there is a configuration, a database, caches and a way out. */
export const KEYRING: Provider[] = [
  LocalMasterKeys, { provide: MasterKeyProvider, inject: [Config, Egress, LocalMasterKeys], useFactory: providerOf }, MasterKeys, TenantKeysRepository, Keyring, { provide: TenantCipher, useClass: KeyringCipher },
];

/** Keys of tenants, and sealing with them. */
@Global()
@Module({
  imports: [EgressModule],
  providers: KEYRING,
  exports: [LocalMasterKeys, Keyring, TenantCipher],
})
export class CryptoModule {}
