/**
 * Every option of the command, once: what the parser knows, and what `--help`, docs/cli.md and the completion scripts say. What an
 * option does is decided where it is read.
 */

/** One option. */
export interface Option {
  /** `--name`. */
  readonly name: string;
  /** `-x`. */
  readonly short?: string;
  /** What it takes, as the help names it; none: it is a switch. */
  readonly value?: string;
  /** It may be given again, and all of them count. */
  readonly repeats?: true;
  /** What it may be, for completion and messages. */
  readonly choices?: readonly string[];
  /** Its value is a path. */
  readonly isPath?: true;
  /** One line of the help; '' for one that stands in another's line. */
  readonly help: string;
  /** The same thing in curl's words. */
  readonly curl?: string;
  /** The same thing in HTTPie's words. */
  readonly httpie?: string;
}

/** Options that belong together. */
export interface OptionGroup {
  readonly title: string;
  readonly options: readonly Option[];
}

export const OPTION_GROUPS: readonly OptionGroup[] = [
  {
    title: 'Request',
    options: [
      {
        name: 'method',
        short: 'X',
        value: 'NAME',
        help: 'GET; POST when there is a body',
        curl: '-X',
        httpie: 'METHOD',
      },
      {
        name: 'header',
        short: 'H',
        value: "'Name: value'",
        repeats: true,
        help: 'again and again; as ITEM: Name:value',
        curl: '-H',
        httpie: 'Name:value',
      },
      {
        name: 'query',
        short: 'q',
        value: 'name=value',
        repeats: true,
        help: 'again and again; as ITEM: name==value',
        curl: '--url-query',
        httpie: 'name==value',
      },
    ],
  },
  {
    title: 'Body (@path reads a file, - stdin; a piped stdin is the body)',
    options: [
      { name: 'json', short: 'j', value: 'JSON', help: 'sent as it is written', curl: '--json', httpie: '--raw' },
      {
        name: 'data',
        short: 'd',
        value: 'TEXT',
        repeats: true,
        help: 'sent without a Content-Type; again: joined by &',
        curl: '--data-binary',
        httpie: '--raw',
      },
      { name: 'form', help: 'name=value items as a form, not as JSON', curl: '-d', httpie: '--form, -f' },
      { name: 'multipart', help: 'the same as multipart/form-data', curl: '-F', httpie: '--multipart' },
      {
        name: 'file',
        short: 'F',
        value: 'name=path',
        repeats: true,
        help: 'multipart; name=path;type=…;filename=…',
        curl: '-F name=@path',
        httpie: 'name@path',
      },
    ],
  },
  {
    title: 'Credentials and cookies',
    options: [
      {
        name: 'auth',
        short: 'u',
        value: 'user[:password]',
        help: 'a missing password is asked for',
        curl: '-u',
        httpie: '-a',
      },
      {
        name: 'auth-type',
        value: 'TYPE',
        choices: ['basic', 'digest', 'bearer'],
        help: 'basic, digest; bearer: -u is the token',
        curl: '--basic, --digest, --oauth2-bearer',
        httpie: '-A',
      },
      {
        name: 'netrc',
        value: 'FILE',
        isPath: true,
        help: 'not NETRC, ~/.netrc; --no-netrc: none',
        curl: '--netrc-file',
        httpie: 'NETRC',
      },
      { name: 'no-netrc', help: '', curl: '(default)', httpie: '--ignore-netrc' },
      {
        name: 'cookie',
        short: 'b',
        value: 'name=value',
        repeats: true,
        help: 'again and again',
        curl: '-b',
        httpie: 'Cookie:',
      },
      {
        name: 'cookie-jar',
        value: 'FILE',
        isPath: true,
        help: 'cookies.txt, read before and written after',
        curl: '-b FILE -c FILE',
        httpie: '--session',
      },
    ],
  },
  {
    title: 'Connection (SECONDS may have a fraction; 0 is off)',
    options: [
      {
        name: 'proxy',
        short: 'x',
        value: 'URL',
        repeats: true,
        help: "or 'all://*.test=URL'; --no-proxy: none",
        curl: '-x',
        httpie: '--proxy',
      },
      { name: 'no-proxy', help: '', curl: "--noproxy '*'" },
      { name: 'no-env', help: 'no proxy, netrc, CA by the environment', curl: '-q', httpie: '--ignore-netrc' },
      {
        name: 'http',
        value: '1.1|2',
        repeats: true,
        choices: ['1.1', '2'],
        help: 'again for several; both',
        curl: '--http1.1, --http2',
      },
      {
        name: 'timeout',
        short: 't',
        value: 'SECONDS',
        help: 'for everything together; off',
        curl: '-m',
        httpie: '(none)',
      },
      {
        name: 'connect-timeout',
        value: 'SECONDS',
        help: 'to be connected; 5',
        curl: '--connect-timeout',
        httpie: '--timeout',
      },
      {
        name: 'read-timeout',
        value: 'SECONDS',
        help: 'between bytes of the response; off',
        curl: '-y',
        httpie: '--timeout',
      },
      { name: 'follow', short: 'L', help: 'redirects, by default; or --no-follow', curl: '-L', httpie: '-F' },
      { name: 'no-follow', help: '', curl: '(default)', httpie: '(default)' },
      { name: 'max-redirects', value: 'N', help: '20', curl: '--max-redirs', httpie: '--max-redirects' },
      { name: 'retry', value: 'N', help: 'again, when that is safe; 0', curl: '--retry' },
      { name: 'no-verify', short: 'k', help: 'any certificate will do', curl: '-k', httpie: '--verify=no' },
      {
        name: 'ca',
        value: 'FILE',
        isPath: true,
        repeats: true,
        help: 'the only authorities to trust',
        curl: '--cacert',
        httpie: '--verify',
      },
      {
        name: 'cert',
        value: 'FILE',
        isPath: true,
        help: 'of the client; with --key FILE',
        curl: '--cert',
        httpie: '--cert',
      },
      { name: 'key', value: 'FILE', isPath: true, help: '', curl: '--key', httpie: '--cert-key' },
      { name: 'key-password', value: 'TEXT', help: 'of an encrypted key', curl: '--pass', httpie: '--cert-key-pass' },
      {
        name: 'unix-socket',
        value: 'PATH',
        isPath: true,
        help: 'instead of the host of the URL',
        curl: '--unix-socket',
        httpie: 'http+unix://',
      },
      {
        name: 'resolve',
        value: 'host[:port]=address',
        repeats: true,
        help: 'instead of DNS, again and again',
        curl: '--resolve',
      },
      { name: 'interface', value: 'ADDRESS', help: 'where connections come from', curl: '--interface' },
    ],
  },
  {
    title: 'Output',
    options: [
      {
        name: 'verbose',
        short: 'v',
        repeats: true,
        help: 'connection, heads, phases; -vv: more',
        curl: '-v',
        httpie: '-v',
      },
      {
        name: 'show-secrets',
        help: 'in -v, --curl and --json-output',
        curl: '(default)',
        httpie: '(default)',
      },
      { name: 'head', short: 'I', help: 'HEAD, and the head is printed', curl: '-I', httpie: 'HEAD' },
      { name: 'include', short: 'i', help: 'the head before the body', curl: '-i', httpie: '--print=hb' },
      { name: 'print', value: 'HBhb', help: 'request and response, head and body', httpie: '-p' },
      { name: 'json-output', help: 'one JSON object, for programs', curl: "-w '%{json}'" },
      { name: 'stream', help: 'the body as it comes, event by event', curl: '-N', httpie: '--stream' },
      { name: 'fail', help: 'no body of 4xx and 5xx', curl: '-f', httpie: '--check-status' },
      {
        name: 'color',
        value: 'WHEN',
        choices: ['auto', 'always', 'never'],
        help: 'auto, always, never; or NO_COLOR',
        httpie: '--pretty',
      },
      {
        name: 'style',
        value: 'NAME',
        choices: ['auto', 'bright', 'mono'],
        help: 'of colours: auto, bright, mono',
        httpie: '--style',
      },
    ],
  },
  {
    title: 'Download',
    options: [
      {
        name: 'output',
        short: 'o',
        value: 'FILE',
        isPath: true,
        help: 'there only when it is whole; - is stdout',
        curl: '-o',
        httpie: '-o',
      },
      { name: 'download', short: 'O', help: 'its name by the server or the URL', curl: '-OJ', httpie: '-d' },
      { name: 'resume', help: 'goes on where the last attempt broke off', curl: '-C -', httpie: '-c' },
      { name: 'checksum', value: 'sha256:…', help: 'or sha512:…; another one leaves no file' },
      { name: 'fsync', help: 'on the disk before it is said to be saved' },
      { name: 'no-progress', help: 'no bar, no lines', curl: '--no-progress-meter', httpie: '-q' },
    ],
  },
  {
    title: 'Instead of the response',
    options: [
      { name: 'curl', help: 'prints the curl command, sends nothing', httpie: '--offline' },
      { name: 'bench', value: 'N', help: 'N requests, a table; --concurrency C' },
      { name: 'concurrency', value: 'C', help: '', curl: '-Z' },
      { name: 'help', short: 'h', help: 'this; --version', curl: '-h', httpie: '--help' },
      { name: 'version', help: '', curl: '-V', httpie: '--version' },
      {
        name: 'completion',
        value: 'SHELL',
        choices: ['bash', 'zsh', 'fish'],
        help: 'prints a script for bash, zsh, fish',
      },
    ],
  },
];

export const OPTIONS: readonly Option[] = OPTION_GROUPS.flatMap(({ options }) => options);
