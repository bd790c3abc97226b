// A real OpenID provider (the npm package oidc-provider) as the identity provider of a tenant. It has one client, which gets
// access tokens in the form of JWTs for any audience of api://juno/ALG, signed with that algorithm; sub is the client's id.
// A second client signs people in, in the package's own forms: whoever types a name has it.
// It says where it listens and ends with whoever holds its standard input.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

// Nobody reads standard output once the address is known; the package's notices must not fail on that.
console.info = console.error;

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
    }, {
      client_id: "juno-operators",
      client_secret: "of-the-operators-client",
      // Tests that speak HTTP themselves go by the first, a real browser by the second.
      redirect_uris: ["https://admin.juno.test", "http://admin.localhost"].map((site) => `${site}/sign-in/openid/callback`),
    }],
    claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, email: `${id}@example.com`, email_verified: false }),
    }),
    jwks: {
      keys: [
        key("RS256", "rsa", { modulusLength: 2048 }),
        key("ES256", "ec", { namedCurve: "P-256" }),
        key("EdDSA", "ed25519", {}),
      ],
    },
    features: {
      devInteractions: { enabled: true },
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
