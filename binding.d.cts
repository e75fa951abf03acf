/** Loads the addon; what it exports is in binding.d.ts, which the native build writes. */
declare const load: () => typeof import('./binding.js', { with: { 'resolution-mode': 'import' } });
export = load;
