import * as pulumi from "@pulumi/pulumi";
import type { Options } from "../config/site";
import { ELASTICSEARCH_PORT, KIBANA_PORT } from "../render/elastic";
import { writeCa } from "./ca";
import { type ForwardTarget, openForward } from "./forward";
import { preflight } from "./preflight";
import type { SshRequest } from "../config/ssh";

/** Where the provider on the laptop reaches the two servers, and the file that holds their CA (Kibana's is read from a file). */
export interface Endpoints {
  readonly elasticsearch: string;
  readonly kibana: string;
  readonly caFile: string;
}

/** Opens the way from the laptop to the servers, once they run; does nothing in a preview. */
export type Reach = (ca: pulumi.Output<string>) => pulumi.Output<Endpoints>;

/**
 * The way from this laptop to the SIEM's servers: an SSH forward on the config's two loopback ports, or directly. Resolves
 * once an update has seen that the host lets us in (preflight.ts). A preview opens nothing; it writes the CA's file, which
 * the provider reads even where it asks no server. The file's path is relative to the project, so that it is the same on
 * every laptop.
 */
export async function reach(
  options: Pick<Options, "access" | "forward">,
  siemAddress: string,
  ssh: SshRequest,
): Promise<Reach> {
  const caFile = `.siem/${pulumi.getStack()}-ca.pem`;
  const { elasticsearchPort, kibanaPort } = options.forward;
  const targets: ForwardTarget[] =
    options.access === "direct"
      ? []
      : [
          { localPort: elasticsearchPort, host: siemAddress, port: ELASTICSEARCH_PORT },
          { localPort: kibanaPort, host: siemAddress, port: KIBANA_PORT },
        ];
  const url = (port: number) => {
    const forward = targets.find((target) => target.port === port);
    return forward ? `https://127.0.0.1:${forward.localPort}` : `https://${siemAddress}:${port}`;
  };
  const endpoints: Endpoints = {
    elasticsearch: url(ELASTICSEARCH_PORT),
    kibana: url(KIBANA_PORT),
    caFile,
  };
  await preflight(ssh, targets);
  return (ca) =>
    ca.apply(async (caPem) => {
      writeCa(caFile, caPem);
      if (!pulumi.runtime.isDryRun() && targets.length > 0) {
        const verified = targets.map((target) => ({ ...target, tls: { caPem } }));
        await openForward({ label: pulumi.getStack(), ssh, targets: verified });
      }
      return endpoints;
    });
}
