#!/usr/bin/env node
/**
 * Starts the command: loads main.cjs as `require` would, with the code that V8 has compiled before. From 22.8 on Node keeps such
 * code itself; before, it is in a file beside this one, which was made when the package was built, for a Node with this very V8.
 * Without either, or when V8 refuses the file, the command takes some ten milliseconds longer.
 */
'use strict';

const Module = require('node:module');
const path = require('node:path');

const main = path.join(__dirname, 'main.cjs');
if (typeof Module.enableCompileCache === 'function') {
  Module.enableCompileCache();
  require('./main.cjs');
} else {
  start();
}

function start() {
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
  const module = new Module(main, null);
  module.filename = main;
  module.paths = Module._nodeModulePaths(__dirname);
  // What is loaded later on finds it there.
  require.cache[main] = module;
  const script = new Script(Module.wrap(fs.readFileSync(main, 'latin1')), { filename: main, cachedData });
  script.runInThisContext()(module.exports, Module.createRequire(main), module, main, __dirname);
}
