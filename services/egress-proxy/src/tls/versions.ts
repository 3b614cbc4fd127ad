// TLS version numbers as they stand on the wire.

export const TLS12 = 0x0303;
export const TLS13 = 0x0304;

export const TLS_VERSION_NAMES = ['1.3', '1.2', '1.1', '1.0', 'ssl3', 'other'] as const;
export type TlsVersionName = (typeof TLS_VERSION_NAMES)[number];

const NAMES: ReadonlyMap<number, TlsVersionName> = new Map([[TLS13, '1.3'], [TLS12, '1.2'], [0x0302, '1.1'], [0x0301, '1.0'], [0x0300, 'ssl3']]);

export const versionName = (version: number): TlsVersionName => NAMES.get(version) ?? 'other';

/** Values that clients strew in to keep servers tolerant: 0x0a0a, 0x1a1a, …, 0xfafa (RFC 8701). */
export const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
