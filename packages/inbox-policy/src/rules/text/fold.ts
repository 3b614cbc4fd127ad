// The form in which texts are compared: letters that only look different (full width, ligatures, capitals) are the same.

import { FOLDED_TEXT_MAX } from '../limits.ts';

export const fold = (text: string): string => text.normalize('NFKC').toLowerCase().slice(0, FOLDED_TEXT_MAX);
