import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { Config } from '../../platform/config/config.js';
import { ACCESS_TOKEN, type AccessClaims } from './access-token.strategy.js';
import { SigningKey } from './signing-key.js';

/** Signs access tokens. They say who and which session; what that may do is looked up at every use. */
@Injectable()
export class AccessTokensService {
  readonly lifeSeconds: number;

  constructor(
    config: Config,
    private readonly jwt: JwtService,
    private readonly key: SigningKey,
  ) {
    this.lifeSeconds = config.get('ACCESS_TOKEN_SECONDS');
  }

  sign({ sub, tid, sid }: AccessClaims): Promise<string> {
    return this.jwt.signAsync(
      { tid, sid },
      {
        secret: this.key.bytes,
        subject: sub,
        issuer: ACCESS_TOKEN.issuer,
        audience: ACCESS_TOKEN.audience,
        algorithm: ACCESS_TOKEN.algorithm,
        header: { alg: ACCESS_TOKEN.algorithm, typ: ACCESS_TOKEN.type },
        expiresIn: this.lifeSeconds,
      },
    );
  }
}
