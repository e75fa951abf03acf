/** Of `node:os`: no user has a home here, and no netrc. */

export const homedir = (): string => '';
