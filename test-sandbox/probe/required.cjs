'use strict';
// What NODE_OPTIONS=--require would bring into every decoder.
globalThis.sekishoProbeRequired = true;
