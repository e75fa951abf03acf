// Loads the addon that scripts/test-asan.js has built wherever the package loads its own. (napi-rs has a variable for that, which
// would replace the addons of all other packages, too.)
const path = require('node:path');

const { dlopen } = process;
process.dlopen = (module, file, ...rest) =>
  dlopen.call(
    process,
    module,
    path.basename(file).startsWith('whippet.') ? process.env.WHIPPET_ASAN_ADDON : file,
    ...rest,
  );
