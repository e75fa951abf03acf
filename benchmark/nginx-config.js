/** nginx as an origin: one process, nothing logged, connections kept for ever, everything inside `dir`. */
export function nginxConfig({ dir, http, https, h2, small }) {
  return `
daemon off;
master_process off;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log;
events { worker_connections 4096; multi_accept on; }
http {
  access_log off;
  client_body_temp_path ${dir}/t1; proxy_temp_path ${dir}/t2; fastcgi_temp_path ${dir}/t3;
  uwsgi_temp_path ${dir}/t4; scgi_temp_path ${dir}/t5;
  types {}
  default_type application/octet-stream;
  sendfile on;
  tcp_nodelay on;
  gzip off;
  etag off;
  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:${http} backlog=4096;
    listen 127.0.0.1:${https} ssl backlog=4096;
    listen 127.0.0.1:${h2} ssl http2 backlog=4096;
    ssl_certificate ${dir}/cert.pem;
    ssl_certificate_key ${dir}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    root ${dir};
    location = /small { default_type application/json; add_header Cache-Control no-store; return 200 '${small}'; }
    location = /64k { add_header Cache-Control no-store; }
    location = /1m { add_header Cache-Control no-store; }
    location /bytes/ { add_header Cache-Control no-store; }
    location = /events { default_type text/event-stream; add_header Cache-Control no-store; }
    location = /lines { default_type application/x-ndjson; add_header Cache-Control no-store; }
    location = /gzip-json { default_type application/json; add_header Content-Encoding gzip; }
    location / { return 404; }
  }
}
`;
}
