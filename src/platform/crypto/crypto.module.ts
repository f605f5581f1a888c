import { Global, Module } from '@nestjs/common';
import { Keyring } from './keyring.js';
import { KeyringCipher } from './keyring-cipher.js';
import { LocalMasterKeys, MasterKeyProvider, MasterKeys } from './master-keys.js';
import { TenantCipher } from './tenant-cipher.js';
import { TenantKeysRepository } from './tenant-keys.repository.js';

/** Keys of tenants, and sealing with them. */
@Global()
@Module({
  providers: [LocalMasterKeys, { provide: MasterKeyProvider, useExisting: LocalMasterKeys }, MasterKeys, TenantKeysRepository, Keyring, { provide: TenantCipher, useClass: KeyringCipher }],
  exports: [LocalMasterKeys, Keyring, TenantCipher],
})
export class CryptoModule {}
