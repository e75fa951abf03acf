/**
 * `node write-code-cache.cjs MAIN`: what V8 has compiled of the command after a request that is refused, for command-launcher.cjs.
 * A program of its own, as what ran before would be in it, and the request ends it.
 */
'use strict';

const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { Script } = require('node:vm');

const main = path.resolve(process.argv[2]);
// By a short name: the one that it has here would be in what is packed, and V8 takes that of the file it is for.
const script = new Script(Module.wrap(fs.readFileSync(main, 'latin1')), { filename: path.basename(main) });
const module_ = new Module(main, null);
module_.filename = main;
require.cache[main] = module_;
process.on('exit', () => {
  const version = process.versions.v8.replace(/-.*/, '');
  fs.writeFileSync(path.join(path.dirname(main), `main.v8-${version}.cache`), script.createCachedData());
});
// Nothing listens there: what a command does until it has an answer.
process.argv = [process.argv[0], main, 'http://127.0.0.1:1/', '--no-env'];
script.runInThisContext()(module_.exports, Module.createRequire(main), module_, main, path.dirname(main));
