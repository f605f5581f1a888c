import { loadConfig } from './src/platform/config/config.js';
import { migrationDataSource } from './src/platform/database/migrator.js';

/** The data source that the TypeORM command line uses: `typeorm migration:show -d ormconfig.ts`. */
export default migrationDataSource(loadConfig());
