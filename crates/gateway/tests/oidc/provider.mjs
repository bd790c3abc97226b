// A real OpenID provider (the npm package oidc-provider) as the identity provider of a tenant. It has one client, which gets
// access tokens in the form of JWTs for any audience of api://juno/ALG, signed with that algorithm; sub is the client's id.
// It says where it listens and ends with whoever holds its standard input.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const PREFIX = "api://juno/";

const key = (alg, kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }),
  alg,
  kid: randomUUID(),
  use: "sig",
});

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "entra-provisioning",
      client_secret: "of-the-provider-not-of-juno",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    }],
    jwks: {
      keys: [
        key("RS256", "rsa", { modulusLength: 2048 }),
        key("ES256", "ec", { namedCurve: "P-256" }),
        key("EdDSA", "ed25519", {}),
      ],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: "",
          audience: resource,
          accessTokenTTL: 3900,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: resource.slice(PREFIX.length) } },
        }),
      },
    },
    enabledJWA: { clientAuthSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ issuer }));
});

process.stdin.on("end", () => process.exit()).resume();
