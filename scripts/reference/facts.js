/**
 * What the reference says that stands in no doc comment: codes that several classes share, variables, channels, reasons of defaults.
 * __test__/docs/reference.spec.ts compares the lists with the sources.
 */

/** Codes besides those that a class has by itself: `[code, class, what happened, what to do]`. */
export const codes = [
  ['ECONNREFUSED', 'ConnectError', 'Nothing listens at that port.', 'Start the server, or mend the port.'],
  [
    'ENOTFOUND',
    'ConnectError',
    'DNS knows no address of the host.',
    'Mend the name; `resolve` has addresses that DNS does not.',
  ],
  ['EAI_AGAIN', 'ConnectError', 'The resolver did not answer.', 'Try again later; look at the machine’s DNS.'],
  [
    'ECONNRESET',
    'ReadError, WriteError, ConnectError',
    'The peer cut the connection.',
    'Try again if the request may be sent twice.',
  ],
  ['EPIPE', 'WriteError', 'The peer takes no more of the request.', 'Look at the server’s limits for bodies.'],
  [
    'EPROTO',
    'ConnectError, ReadError',
    'TLS failed in a way that has no code of its own, in the handshake or after it.',
    'Is it an `http://` port? The message says what came.',
  ],
  ['EACCES', 'ConnectError, FileError', 'The system forbids it.', 'Permit the file, the socket or the port.'],
  [
    'ERR_ACCESS_DENIED',
    'ConnectError, FileError',
    'Node’s permission model forbids it.',
    'Start Node with `--allow-net`, `--allow-fs-read` or `--allow-fs-write`.',
  ],
  [
    'ERR_ADDRESS_FORBIDDEN',
    'ConnectError',
    '`allowAddresses` or `denyAddresses` refuses where the host leads.',
    'Nothing, for a URL of a user; else extend the list.',
  ],
  ['CERT_HAS_EXPIRED', 'ConnectError', 'The certificate has expired.', 'Renew it; look at the clock of this machine.'],
  ['CERT_NOT_YET_VALID', 'ConnectError', 'The certificate is not valid yet.', 'Look at the clocks of both machines.'],
  ['CERT_REVOKED', 'ConnectError', 'The certificate is revoked.', 'The server needs another one.'],
  [
    'CERT_SIGNATURE_FAILURE',
    'ConnectError',
    'A signature in the chain is wrong.',
    'The server’s chain is broken, or is another server’s.',
  ],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ConnectError',
    'The certificate vouches for itself.',
    "Trust it by `verify: './that.pem'`.",
  ],
  [
    'SELF_SIGNED_CERT_IN_CHAIN',
    'ConnectError',
    'The chain ends in an authority that is not trusted.',
    'Trust the authority by `verify` or SSL_CERT_FILE.',
  ],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ConnectError',
    'The issuer of the certificate is unknown, and the server sends no other.',
    'The server lacks an intermediate certificate.',
  ],
  [
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ConnectError',
    'The chain leads to an authority that is not known here.',
    'Trust it by `verify`, NODE_EXTRA_CA_CERTS or SSL_CERT_FILE.',
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ConnectError',
    'The certificate is for other names.',
    'Mend the host of the URL; the message lists the names.',
  ],
  ['ERR_TLS_CERT_INVALID', 'ConnectError', 'The certificate is refused for another reason.', 'The message says which.'],
  [
    'ERR_SSL_UNSUPPORTED_PROTOCOL',
    'ConnectError',
    'The peer offers neither TLS 1.2 nor 1.3.',
    'The server is out of date.',
  ],
  [
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'ConnectError',
    'The peer refused the handshake.',
    'No common cipher, or it wants a client certificate: `cert`.',
  ],
  [
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ConnectError, ReadError',
    'The peer refused the client certificate.',
    'Look at `cert`.',
  ],
  [
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ReadError',
    'The peer wants a client certificate.',
    'Give one by `cert`.',
  ],
  [
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ConnectError, ReadError',
    'The peer does not know the authority of the client certificate.',
    'Send the intermediate certificates in `cert`, too.',
  ],
  [
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'ConnectError',
    'The peer refused the version of TLS.',
    'The server is out of date, or very new.',
  ],
  [
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    'ConnectError',
    'The peer has no site of that name.',
    'Mend the host of the URL.',
  ],
  [
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    'ConnectError',
    'No version of HTTP was agreed upon.',
    'Look at `httpVersions`.',
  ],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'ConnectError', 'The peer failed in the handshake.', 'Try again later.'],
  [
    'ERR_HTTP2_STREAM_ERROR',
    'RemoteProtocolError, ReadError',
    'The server reset the stream of this request.',
    'The message has the reason; try again if it may be sent twice.',
  ],
  [
    'ERR_HTTP2_GOAWAY_SESSION',
    'RemoteProtocolError, ReadError',
    'The server is closing the connection.',
    'Try again: what it has not processed is sent again by itself.',
  ],
  [
    'ERR_HTTP2_SESSION_ERROR',
    'RemoteProtocolError, LocalProtocolError',
    'The rules of HTTP/2 were broken.',
    "`httpVersions: 'HTTP/1.1'` goes around it.",
  ],
  [
    'ERR_HTTP2_ERROR',
    'RemoteProtocolError',
    'HTTP/2 failed in another way.',
    "`httpVersions: 'HTTP/1.1'` goes around it.",
  ],
  [
    'ERR_ADDON_NOT_LOADED',
    'Error',
    'The native part is not there: thrown by what needs it first.',
    'The message lists what was looked for, and what helps.',
  ],
  [
    'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
    'Error',
    'A browser or Worker has no such module.',
    'See the page on platforms.',
  ],
];

/** Codes of the doors, which are those of what they stand in for. */
export const doorCodes = [
  ['ERR_BAD_OPTION', 'whippet/axios', 'as axios has it: an option is unknown'],
  ['ERR_BAD_OPTION_VALUE', 'whippet/axios', 'as axios has it: an option’s value is wrong'],
  ['ERR_BAD_REQUEST', 'whippet/axios', 'as axios has it: a status of 4xx, or a request that cannot be sent'],
  ['ERR_BAD_RESPONSE', 'whippet/axios', 'as axios has it: a status of 5xx, or a body that is too large'],
  ['ERR_FR_TOO_MANY_REDIRECTS', 'whippet/axios', 'as axios has it: more than `maxRedirects`'],
  [
    'ERR_FR_REDIRECTION_FAILURE',
    'whippet/axios',
    'as axios has it: a redirect that cannot be followed, or whose `beforeRedirect` threw',
  ],
  ['ERR_NOT_SUPPORT', 'whippet/axios', 'as axios has it: an agent that is not Node’s own'],
];

/** `[names, where it is read, what it does, default]` */
export const variables = [
  [
    'HTTP_PROXY, http_proxy',
    'making a client',
    'The proxy of http: URLs. In a CGI program (REQUEST_METHOD is set) only the small spelling counts.',
    'none',
  ],
  ['HTTPS_PROXY, https_proxy', 'making a client', 'The proxy of https: URLs.', 'none'],
  ['ALL_PROXY, all_proxy', 'making a client', 'The proxy of both, where they have none.', 'none'],
  [
    'NO_PROXY, no_proxy',
    'making a client',
    'Hosts, domains, addresses and networks that are reached directly, divided by commas; `*` is all.',
    'none',
  ],
  [
    'NODE_USE_ENV_PROXY',
    'the first fetch()',
    '`1`: the module’s `fetch` goes by the environment’s proxies, as Node’s does; a client’s always does.',
    'not set',
  ],
  [
    'REQUEST_METHOD',
    'making a client',
    'Marks a CGI program: HTTP_PROXY may be a header of a request there (httpoxy), and is not believed.',
    'not set',
  ],
  ['NETRC', 'the first request', 'The netrc file.', '~/.netrc, else ~/_netrc'],
  [
    'SSL_CERT_FILE',
    'making a client',
    'A PEM file of authorities, instead of the platform’s.',
    'the platform’s trust store',
  ],
  ['SSL_CERT_DIR', 'making a client', 'A folder of them; SSL_CERT_FILE goes before it.', 'the platform’s trust store'],
  ['NODE_EXTRA_CA_CERTS', 'making a client', 'A PEM file of authorities, besides the others, as in Node.', 'none'],
  [
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'making a client',
    '`0` switches the verification of certificates off, with Node’s warning; an option `verify` wins.',
    'not set',
  ],
  [
    'SSLKEYLOGFILE',
    'making a client',
    'A file that the secrets of TLS connections are appended to, for Wireshark.',
    'none',
  ],
  ['WHIPPET_DEBUG, HTTPX_DEBUG', 'making a client', '`1` or `true`: each exchange is a line on stderr.', 'not set'],
  [
    'WHIPPET_ADDON_PATH',
    'loading',
    'The file of the native part, instead of the one that is looked for; relative to the working directory.',
    'the platform’s package',
  ],
  [
    'NAPI_RS_NATIVE_LIBRARY_PATH',
    'loading',
    'The same, in the name that napi-rs has for it.',
    'the platform’s package',
  ],
  [
    'NO_COLOR, FORCE_COLOR',
    'the command',
    'Colours off, or on, as on no-color.org and force-color.org; `--color` wins.',
    'colours on a terminal',
  ],
];

/** `[channel, message, when]` */
export const channels = [
  ['whippet:request:start', '{ request }', 'Before it is sent: headers may be added.'],
  ['whippet:request:response', '{ request, response }', 'At the head.'],
  ['whippet:request:end', '{ request, response }', 'At the end of the body.'],
  ['whippet:request:error', '{ request, error }', 'Instead of the end; also for a body that is given up.'],
  ['undici:request:create', '{ request }', 'Before it is sent, with `addHeader()`: where agents inject `traceparent`.'],
  [
    'undici:client:sendHeaders',
    '{ request, headers, socket }',
    'At the head, when the protocol of the connection is known.',
  ],
  ['undici:request:bodySent', '{ request }', 'When the body is sent.'],
  ['undici:request:headers', '{ request, response }', 'At the head.'],
  ['undici:request:trailers', '{ request, trailers }', 'At the end of the body.'],
  ['undici:request:error', '{ request, error }', 'Instead of the end.'],
];

/** Why a default is what it is: `Options.name` → the reason. The values come from the doc comments. */
export const reasons = {
  'ClientOptions.timeout':
    'httpx’s five seconds: longer than a healthy server takes, shorter than a person waits. A total is off, since nothing is known of how much there is to transfer.',
  'ClientOptions.followRedirects':
    'A program wants the resource, not the notice that it has moved; what must not leave an origin does not.',
  'ClientOptions.maxRedirects': 'httpx’s and the Fetch standard’s number: a longer chain is a loop.',
  'ClientOptions.maxResponseSize':
    'An unexpectedly large body must not end the process; `stream()` and `download()` have no such limit.',
  'ClientOptions.retries':
    'Sending twice is the caller’s decision. What died before a byte was processed is sent again without asking.',
  'ClientOptions.trustEnv': 'As curl, requests and httpx: the proxy of a company is in its environment.',
  'ClientOptions.cookies': 'A session begins by a cookie; a client is one user.',
  'ClientOptions.compress': 'Few servers decode request bodies, and those that do not answer 415.',
  'ClientOptions.defaultEncoding': 'What the web is written in.',
  'ClientOptions.verify': 'A certificate that is not checked protects against no attacker.',
  'ClientOptions.httpVersions': 'ALPN costs nothing, and a server that speaks HTTP/2 needs one connection.',
  'ClientOptions.allowAddresses':
    'A client that calls services of its own network is the common case; for URLs of users see the page on SSRF.',
  'ClientOptions.proxies': 'As curl, requests and httpx do.',
  'ClientOptions.httpsOnly': 'Services of one’s own network often speak http; for URLs of users see the page on SSRF.',
  'ClientOptions.lookup':
    'The system’s resolver knows what this machine is set up for: /etc/hosts, search domains, DNS.',
  'SendOptions.stream': 'Most callers want the whole response, and one that streams has to be closed.',
  'PoolLimits.maxConnections': 'More are a mistake in most programs, and each costs a file descriptor.',
  'PoolLimits.maxConnectionsPerOrigin':
    'Nine tenths of all are the most that one origin gets, so that it cannot starve the others.',
  'PoolLimits.maxKeepaliveConnections': 'Enough for a burst; each idle one is a socket of the server’s as well.',
  'PoolLimits.keepaliveExpiry':
    'Under the five seconds after which Node’s servers close: a connection is given up before the server does.',
  'PoolLimits.pingInterval': 'A PING wakes radios and costs servers; TCP keepalive notices what vanished.',
  'PoolLimits.maxAge':
    'Ending connections costs handshakes; it is for services that move by DNS while they are asked without a pause.',
  'PoolLimits.tcpKeepalive':
    'A peer that vanished without a word is noticed within two minutes, for a packet a minute of silence.',
  'PoolLimits.dnsTtl': 'A burst of new connections asks once, and a name that has moved is followed within seconds.',
  'RetryPolicy.methods': 'RFC 9110 §9.2.2: only these may be sent twice without harm.',
  'RetryPolicy.statusCodes': 'Those that say “later”, by RFC 9110 or in practice.',
  'RetryPolicy.backoff': 'Doubling gives a server room, and the random half keeps clients from coming back together.',
  'RetryPolicy.maxRetryAfter': 'A minute is what a caller can wait; beyond it the answer is more useful than the wait.',
  'ReconnectOptions.retry': 'A few seconds, as browsers have it.',
  'ReconnectOptions.maxEventSize': 'An event is held in memory as a whole.',
  'ReconnectOptions.reconnect': 'A GET may be repeated, anything else may not.',
  'FileOptions.method': 'A file is asked for by GET.',
  'FileOptions.resume': 'Only the caller knows whether the part that is there is of this download.',
  'FileOptions.ifExists': 'As `curl -o`; the file gets its name when it is whole, so that no old one is half replaced.',
  'FileOptions.fsync':
    'As curl and wget; waiting for the disk takes longer than most downloads, and only a power failure tells.',
  'FileOptions.raiseForStatus': 'The page that comes with an error is not the file that was asked for.',
  'FileOptions.maxSize': 'Nothing of it is held in memory; the disk is the limit.',
  'FileOptions.mode': 'A download replaces a file, not its permissions.',
  'HTTPProxyOptions.proxyMode': 'What proxies expect: they cache and filter http, and cannot look into https.',
};
