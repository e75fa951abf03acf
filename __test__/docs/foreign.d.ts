/** Packages that the pages name and this repository does not install: the ones that a reader comes from. */
declare module 'node-fetch';
declare module 'https-proxy-agent';
declare module 'superagent';
