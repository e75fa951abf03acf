const path = require('node:path');

const isOurs = (request) => (process.env.MODE === 'external' ? request === 'whippet' : false);
const isAddon = (request) => request.startsWith('@whippet-http/') || request.endsWith('.node');

module.exports = {
  mode: 'production',
  target: 'node20',
  entry: path.join(__dirname, '../app.mjs'),
  output: { path: __dirname, filename: `out-${process.env.MODE}.mjs`, module: true, chunkFormat: 'module' },
  experiments: { outputModule: true },
  optimization: { minimize: process.env.MODE === 'bundled' },
  externals: [
    ({ request }, callback) => {
      if (isOurs(request)) return callback(null, `module ${request}`);
      if (isAddon(request)) return callback(null, `node-commonjs ${request}`);
      return callback();
    },
  ],
};
