/** What an authenticator needs, shown once. */
export class MfaSetupView {
  /**
   * The shared secret in base 32, to be typed where no camera is.
   * @example GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
   */
  secret!: string;
  /** @example "otpauth://totp/Wheelhouse:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Wheelhouse" */
  otpauth_url!: string;
  /**
   * The address as a QR code: a PNG image in a data URL.
   * @example "data:image/png;base64,iVBORw0KGgo="
   */
  qr_code!: string;
}

/** Recovery codes, shown once. */
export class RecoveryCodesView {
  /**
   * Each works once.
   * @example ["8k3v-q0td-1mzx-h7ra"]
   */
  recovery_codes!: string[];
}

/** The second factor of the own account. */
export class MfaStatusView {
  /** @example true */
  enabled!: boolean;
  /** @example 2026-01-31T09:30:00.000Z */
  enabled_at!: string | null;
  /**
   * Recovery codes that were not used yet.
   * @example 10
   */
  recovery_codes_left!: number;
  /**
   * Whether the policy of the tenant asks for one.
   * @example false
   */
  required!: boolean;
}
