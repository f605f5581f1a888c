/** An address in the form in which it is stored and compared; what is no text is left for validation to refuse. */
export function normalEmail(value: unknown): unknown {
  return typeof value === 'string' ? value.trim().normalize('NFC').toLowerCase() : value;
}
