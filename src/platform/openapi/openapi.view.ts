/** The OpenAPI document itself. */
export class OpenApiView {
  /**
   * Version of the specification.
   * @example 3.1.0
   */
  openapi!: string;
  /**
   * Title, version and licence.
   * @example { "title": "Wheelhouse", "version": "0.1.0" }
   */
  info!: Record<string, unknown>;
  /**
   * Every operation by path and method.
   * @example { "/health": {} }
   */
  paths!: Record<string, unknown>;
}
