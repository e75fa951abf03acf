/** The media type that a file name suggests; nothing looks into files. The list is Python's mimetypes where it knows a name. */

/** `application/octet-stream` for a name that says nothing. */
export function guessType(filename: string): string {
  let name = filename.slice(filename.lastIndexOf('/') + 1).toLowerCase();
  // Python's: what is compressed is what it was before, if that is known.
  for (const suffix of compressed) if (name.endsWith(suffix)) name = name.slice(0, -suffix.length);
  const dot = name.lastIndexOf('.');
  // A leading dot begins a hidden file's name.
  return (dot > 0 ? (types ??= readLines()).get(name.slice(dot + 1)) : undefined) ?? 'application/octet-stream';
}

/** By extension; made for the first file that is named. */
let types: Map<string, string> | undefined;

function readLines(): Map<string, string> {
  return new Map(
    LINES.flatMap((line) => {
      const [type, ...extensions] = line.split(' ');
      return extensions.map((extension) => [extension, type] as const);
    }),
  );
}

const compressed = ['.gz', '.bz2', '.xz', '.br', '.z'];

const LINES = [
  'application/epub+zip epub',
  'application/gpx+xml gpx',
  'application/java-archive jar',
  'application/json json map',
  'application/ld+json jsonld',
  'application/manifest+json webmanifest',
  'application/msword doc dot',
  'application/pdf pdf',
  'application/pkcs7-mime p7c',
  'application/postscript ps ai eps',
  'application/rtf rtf',
  'application/vnd.apple.mpegurl m3u m3u8',
  'application/vnd.ms-excel xls',
  'application/vnd.ms-fontobject eot',
  'application/vnd.ms-powerpoint ppt pps',
  'application/vnd.oasis.opendocument.presentation odp',
  'application/vnd.oasis.opendocument.spreadsheet ods',
  'application/vnd.oasis.opendocument.text odt',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document docx',
  'application/wasm wasm',
  'application/x-7z-compressed 7z',
  'application/x-pkcs12 p12 pfx',
  'application/x-sh sh',
  'application/x-shockwave-flash swf',
  'application/x-tar tar tgz',
  'application/x-tex tex',
  'application/xhtml+xml xhtml',
  'application/xml xml xsl rdf wsdl',
  'application/zip zip',
  'audio/3gpp 3gp',
  'audio/aac aac',
  'audio/basic au snd',
  'audio/flac flac',
  'audio/midi mid midi',
  'audio/mpeg mp3 mp2',
  'audio/ogg oga ogg',
  'audio/opus opus',
  'audio/webm weba',
  'audio/x-aiff aif aiff',
  'audio/x-wav wav',
  'font/otf otf',
  'font/ttf ttf',
  'font/woff woff',
  'font/woff2 woff2',
  'image/apng apng',
  'image/avif avif',
  'image/bmp bmp',
  'image/gif gif',
  'image/heic heic',
  'image/heif heif',
  'image/jpeg jpg jpeg jpe',
  'image/png png',
  'image/svg+xml svg',
  'image/tiff tif tiff',
  'image/vnd.microsoft.icon ico',
  'image/webp webp',
  'message/rfc822 eml mht mhtml',
  'text/calendar ics',
  'text/css css',
  'text/csv csv',
  'text/html html htm',
  'text/javascript js mjs',
  'text/markdown md markdown',
  'text/plain txt log c h srt',
  'text/tab-separated-values tsv',
  'text/vtt vtt',
  'text/x-python py',
  'text/x-vcard vcf',
  'video/mp4 mp4',
  'video/mpeg mpeg mpg',
  'video/ogg ogv',
  'video/quicktime mov qt',
  'video/webm webm',
  'video/x-matroska mkv',
  'video/x-msvideo avi',
];
