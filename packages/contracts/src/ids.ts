import { z } from 'zod';

/** 128 random bits as base64url. Only the gateway makes them; everybody else checks the form before building a key. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/);

/** Isolation token: 16 bytes as base64url, see DESIGN "Isolation token". */
export const isolationSchema = idSchema;

/** What travels as X-Request-Id. */
export const requestIdSchema = z.string().regex(/^[A-Za-z0-9._-]{8,64}$/);
