#!/usr/bin/env node
/**
 * Starts the command: loads main.cjs as `require` would, with the code that V8 has compiled before. From 22.8 on Node keeps such
 * code itself; before, it is in a file beside this one, which was made when the package was built, for a Node with this very V8.
 * Without either, or when V8 refuses the file, the command takes some ten milliseconds longer.
 */
'use strict';

const path = require('node:path');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 8)) {
  require('node:module').enableCompileCache();
  require('./main.cjs');
} else {
  start(path.join(__dirname, 'main.cjs'));
}

function start(main) {
  const fs = require('node:fs');
  const { Script } = require('node:vm');
  const cache = path.join(__dirname, `main.v8-${process.versions.v8.replace(/-.*/, '')}.cache`);
  let cachedData;
  try {
    cachedData = fs.readFileSync(cache);
  } catch {
    require('./main.cjs');
    return;
  }
  // `node:module`, without loading what it has besides.
  const Module = module.constructor;
  const loaded = new Module(main, module);
  loaded.filename = main;
  loaded.paths = module.paths;
  // What is loaded later on finds it there.
  require.cache[main] = loaded;
  const script = new Script(Module.wrap(fs.readFileSync(main, 'latin1')), { filename: main, cachedData });
  script.runInThisContext()(loaded.exports, (id) => loaded.require(id), loaded, main, __dirname);
}
