import * as pulumi from "@pulumi/pulumi";
import type { Options } from "../config/site";
import { ELASTICSEARCH_PORT, KIBANA_PORT } from "../render/elastic";
import { writeCa } from "./ca";
import { type ForwardTarget, openForward } from "./forward";
import { preflight } from "./preflight";
import { checkDownloadedProvider, requirePinnedProvider } from "./provider";
import type { SshRequest } from "../config/ssh";

/** The URLs at which the provider on the laptop reaches the two servers, and the file with their CA (Kibana's provider reads a file). */
export interface Endpoints {
  readonly elasticsearch: string;
  readonly kibana: string;
  readonly caFile: string;
}

/** Opens the connection from the laptop to the servers as soon as they run. In a preview it opens nothing. */
export type OpenConnection = (ca: pulumi.Output<string>) => pulumi.Output<Endpoints>;

/**
 * Returns a function that opens the connection from this laptop to the SIEM's servers: an SSH forward on the config's two
 * loopback ports, or none for direct access. In an update it first checks the host (preflight.ts); throws a pulumi.RunError
 * if the check fails. A preview opens nothing, but writes the CA's file, which the provider reads even if it sends no
 * request. Before the provider gets the URLs, and with them its password, its hash is checked (provider.ts). The file's
 * path is relative to the project, so that it is the same on every laptop.
 */
export async function prepareConnection(
  options: Pick<Options, "access" | "forward">,
  siemAddress: string,
  ssh: SshRequest,
): Promise<OpenConnection> {
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
  checkDownloadedProvider();
  await preflight(ssh, targets);
  return (ca) =>
    ca.apply(async (caPem) => {
      await requirePinnedProvider();
      writeCa(caFile, caPem);
      if (!pulumi.runtime.isDryRun() && targets.length > 0) {
        const verified = targets.map((target) => ({ ...target, tls: { caPem } }));
        await openForward({ label: pulumi.getStack(), ssh, targets: verified });
      }
      return endpoints;
    });
}
