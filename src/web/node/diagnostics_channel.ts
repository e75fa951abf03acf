/** Of `node:diagnostics_channel`: nothing listens. */

export const channel = (name: string): object => ({ name, hasSubscribers: false, publish() {} });
