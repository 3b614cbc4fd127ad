/** The `code` of a system error (`ENOENT`, `ECONNREFUSED`); by shape, since errors cross realms and libraries. */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
