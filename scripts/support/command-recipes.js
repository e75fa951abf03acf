/** Tasks and their command lines, for docs/cli.md. A test reads each of them as the command would. */
export const RECIPES = [
  { task: 'Send JSON', command: 'whippet api.example.org/users name=Ada age:=36 tags:=\'["a","b"]\'' },
  {
    task: 'Change something with a token',
    command: 'whippet PATCH api.example.org/users/1 name=Ada -u "$TOKEN" --auth-type bearer',
  },
  { task: 'Ask with a query', command: "whippet api.example.org/search q=='two words' page==2" },
  { task: 'Send a form', command: 'whippet --form example.org/login user=ada password=@password.txt' },
  {
    task: 'Upload a file with a form',
    command: "whippet example.org/upload title=Report 'file@report.pdf;type=application/pdf'",
  },
  {
    task: 'Send a file as it is',
    command: 'whippet PUT example.org/objects/1 @data.bin Content-Type:application/octet-stream',
  },
  {
    task: 'Send what another program prints',
    command: 'jq -c .user data.json | whippet api.example.org/users Content-Type:application/json',
  },
  { task: 'Look at the answer of a server of this machine', command: 'whippet :3000/health' },
  { task: 'Read a part of the answer', command: 'whippet api.example.org/users/1 | jq -r .name' },
  {
    task: 'Download a large file, and go on where it broke off',
    command:
      'whippet -O --resume example.org/big.iso --checksum sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    note: 'The file has its name only when it is whole and its checksum is right; until then it is `big.iso.part`. `-o FILE` names it yourself.',
  },
  { task: 'Watch a stream of events', command: 'whippet --stream -X POST api.example.org/chat prompt=Hello' },
  {
    task: 'See why it is slow',
    command: 'whippet -v example.org -o /dev/null',
    note: 'Connection, TLS and certificate, both heads, and the time of each phase go to stderr.',
  },
  {
    task: 'Keep a session',
    command: 'whippet --cookie-jar session.txt example.org/login user=ada password=@password.txt',
  },
  {
    task: 'Go through a proxy, some hosts without',
    command: "whippet example.org -x socks5h://127.0.0.1:1080 -x 'all://*.internal.test='",
  },
  {
    task: 'Trust an authority of your own, and show a certificate',
    command: 'whippet https://internal.test/ --ca ca.pem --cert me.pem --key me.key',
  },
  { task: 'Ask another machine than DNS says', command: 'whippet example.org --resolve example.org=203.0.113.7' },
  { task: 'Talk to a daemon', command: 'whippet http://localhost/v1.43/info --unix-socket /var/run/docker.sock' },
  { task: 'Try again when that is safe', command: 'whippet example.org --retry 3 --timeout 30' },
  {
    task: 'Work with the answer in a program',
    command: 'whippet --json-output example.org',
    note: '`response.status`, `headers`, `timings`, `tls`, `peer`, `redirects`; `body` is text, or base64 when `bodyEncoding` says so.',
  },
  {
    task: 'Send a script on its way only when it worked',
    command: 'whippet --fail example.org/install.sh -o install.sh && sh install.sh',
  },
  { task: 'Get the same request as a command of curl', command: 'whippet PUT api.example.org/users/1 name=Ada --curl' },
  { task: 'Measure', command: 'whippet --bench 1000 --concurrency 20 :3000/' },
];
