/** A provider as a sign-in page offers it. */
export class OfferedProviderView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Example Corp" */
  name!: string;
  /**
   * Where the browser goes to sign in with it.
   * @example /api/v1/auth/sso/0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00/start
   */
  start_url!: string;
}

/** The providers of a tenant. */
export class OfferedProvidersView {
  /** At most a hundred. */
  items!: OfferedProviderView[];
}

/** Where to send the browser. */
export class SsoLinkView {
  /** @example https://login.example.com/authorize?client_id=wheelhouse */
  authorization_url!: string;
}

/** The end of a session. */
export class SsoLogoutView {
  /**
   * Where the browser signs out of the provider as well; null when there is no such page.
   * @example https://login.example.com/logout
   */
  logout_url!: string | null;
}
