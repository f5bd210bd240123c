// A TLS client on Node: node client.mjs NAME PORT, trusting NODE_EXTRA_CA_CERTS.
import https from "node:https";

const [name, port] = process.argv.slice(2);
const request = https.get({ host: name, port: Number(port), path: "/", agent: false }, (response) => response.resume());
request.on("error", (error) => console.error(error.message));
