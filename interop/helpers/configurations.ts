/** What nginx and haproxy read. Each writes its `generation` into every response, so that a reload can be seen. */
import { host } from '../../__test__/helpers/listen.js';
import { documentRoot } from './content.js';
import type { Place } from './peers.js';

type Configured = Place & { readonly generation: number };

/** @param keepaliveRequests Requests after which a connection is ended. */
export function nginxConfig({ dir, https, http, upstream, generation }: Configured, keepaliveRequests = 1_000): string {
  return `
daemon off;
worker_processes 2;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${dir}/t1; proxy_temp_path ${dir}/t2; fastcgi_temp_path ${dir}/t3;
  uwsgi_temp_path ${dir}/t4; scgi_temp_path ${dir}/t5;
  types {}
  client_max_body_size 0;
  keepalive_requests ${keepaliveRequests};
  upstream node { server ${host}:${upstream}; keepalive 16; }
  server {
    listen ${host}:${https} ssl http2;
    listen ${host}:${http} http2;
    ssl_certificate ${dir}/cert.pem;
    ssl_certificate_key ${dir}/key.pem;
    root ${documentRoot()};
    add_header x-generation ${generation};
    location / { }
    location = /trailers { return 200 'with trailers'; add_trailer x-checksum abc; }
    location = /digest {
      proxy_pass http://node;
      proxy_http_version 1.1;
      proxy_set_header connection '';
    }
  }
}
`;
}

export function haproxyConfig({ dir, https, http, upstream, generation }: Configured): string {
  return `
global
  stats socket ${dir}/stats-${generation} mode 600 expose-fd listeners
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend all
  bind ${host}:${https} ssl crt ${dir}/both.pem alpn h2,http/1.1
  bind ${host}:${http} proto h2
  http-response set-header x-generation ${generation}
  default_backend node
backend node
  server node ${host}:${upstream}
`;
}
