// As a user's: the server takes whippet from node_modules, and what it is deployed as is a trace of that.
export default { output: 'standalone', serverExternalPackages: ['whippet'], outputFileTracingRoot: process.cwd() };
