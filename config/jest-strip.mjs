// The same type stripping that Node applies when it runs the services, so tests see the same code and positions.
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

export default {
  getCacheKey(source, path, options) {
    return createHash('sha256')
      .update(process.version)
      .update(path)
      .update(source)
      .update(options.configString ?? '')
      .update(String(options.instrument))
      .digest('hex');
  },
  process(source) {
    return { code: stripTypeScriptTypes(source, { mode: 'strip' }) };
  },
};
