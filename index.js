// In this form Node finds the names for `import { Hamok } from 'hamok'`.
module.exports = require('./lib/index.js');
