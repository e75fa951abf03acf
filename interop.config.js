/**
 * AVA for `npm run test:interop`: against the servers that are installed on this machine. One file after the other, as
 * each keeps the machine busy.
 */
export default {
  extensions: { ts: 'module' },
  files: ['interop/**/*.spec.ts'],
  nodeArguments: ['--import', '@oxc-node/core/register'],
  environmentVariables: { OXC_TSCONFIG_PATH: './__test__/tsconfig.json' },
  workerThreads: false,
  concurrency: 1,
  timeout: '120s',
};
