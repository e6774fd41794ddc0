import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";

// `count` commands of 2 kB each.
const count = new pulumi.Config().requireNumber("count");
for (let index = 0; index < count; index++) {
  new remote.Command(`bare-${index}`, {
    connection: { host: "h", hostKey: "k" },
    create: "true",
    stdin: "x".repeat(2000),
  });
}
