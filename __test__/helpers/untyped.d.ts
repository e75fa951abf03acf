/** Middleware that comes without types; what the tests need of it is said where it is used. */
declare module 'compression';
declare module 'express-session';
