/** In the place of the addon's loader. */

export default function load(): never {
  const message =
    'whippet: this is the build for browsers and Workers, which goes by the platform’s fetch (PlatformDispatch) and has no addon: ' +
    'HTTPDispatch, downloads to files, and the decoding of bodies that are in this process need it';
  throw Object.assign(new Error(message), { code: 'ERR_ADDON_NOT_LOADED' });
}
