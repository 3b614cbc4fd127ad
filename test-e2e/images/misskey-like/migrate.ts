// What `node node_modules/typeorm/cli.js migration:run -d ormconfig.js` is.

import { readConfig } from './config.ts';
import { askStore } from './store.ts';

const { db } = readConfig();
if (process.argv.slice(2).join(' ') !== 'migration:run -d ormconfig.js') throw new Error(`unknown command: ${process.argv.slice(2).join(' ')}`);
const { isKnown, isMigrated } = await askStore(db, { user: db.user, pass: db.pass, db: db.db, from: 'migration', what: 'migrate' });
process.stdout.write(isKnown && isMigrated ? 'migrations have run\n' : 'the database refuses\n');
process.exitCode = isKnown && isMigrated ? 0 : 1;
