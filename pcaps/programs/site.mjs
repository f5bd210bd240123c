// Web sites on Node's TLS: HTTP/2 and HTTP/1.1. node site.mjs ADDRESS PORT CERT KEY [maxVersion]
import http2 from "node:http2";
import fs from "node:fs";

const [address, port, cert, key, maxVersion] = process.argv.slice(2);
const server = http2.createSecureServer({
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  allowHTTP1: true,
  maxVersion: maxVersion ?? "TLSv1.3",
});
server.on("request", (_, response) => {
  response.writeHead(200, { "content-type": "text/html" });
  response.end("<!doctype html><title>Intranet</title><link rel=icon href=data:,><p>Welcome.</p>");
});
server.listen(Number(port), address);
