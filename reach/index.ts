import * as pulumi from "@pulumi/pulumi";
import type { Endpoints, Reach } from "../components/elasticProvider";
import type { Options } from "../config/site";
import { ELASTICSEARCH_PORT, KIBANA_PORT } from "../render/elastic";
import { writeCa } from "./ca";
import { openForward } from "./forward";

/**
 * The way from this laptop to the SIEM's servers: an SSH forward on the config's two loopback ports, or directly.
 * A preview opens nothing; it writes the CA's file, which the provider reads even where it asks no server. The file's
 * path is relative to the project, so that it is the same on every laptop.
 */
export function reach(options: Options, siemAddress: string, privateKey?: pulumi.Input<string>): Reach {
  const caFile = `.siem/${pulumi.getStack()}-ca.pem`;
  const direct = options.access === "direct";
  const url = (directPort: number, forwardedPort: number) =>
    direct ? `https://${siemAddress}:${directPort}` : `https://127.0.0.1:${forwardedPort}`;
  const { elasticsearchPort, kibanaPort } = options.forward;
  const endpoints: Endpoints = {
    elasticsearch: url(ELASTICSEARCH_PORT, elasticsearchPort),
    kibana: url(KIBANA_PORT, kibanaPort),
    caFile,
  };
  return (ca) =>
    pulumi.unsecret(
      pulumi.all([ca, privateKey]).apply(async ([caPem, key]) => {
        writeCa(caFile, caPem);
        if (pulumi.runtime.isDryRun()) return endpoints;
        refuseOverrides(process.env);
        if (!direct) {
          await openForward({
            label: pulumi.getStack(),
            ssh: { ...options.host, privateKey: key },
            targets: [
              { localPort: elasticsearchPort, host: siemAddress, port: ELASTICSEARCH_PORT, tls: { caPem } },
              { localPort: kibanaPort, host: siemAddress, port: KIBANA_PORT, tls: { caPem } },
            ],
          });
        }
        return endpoints;
      }),
    );
}

/** The provider lets these override its explicit settings, and would write to another server. Throws when one is set. */
export function refuseOverrides(env: NodeJS.ProcessEnv): void {
  const found = Object.keys(env).filter((name) => /^(ELASTICSEARCH|KIBANA)_/.test(name));
  if (found.length > 0) {
    throw new pulumi.RunError(
      `${found.sort().join(", ")} in the environment would send this stack's resources to another server; unset them`,
    );
  }
}
